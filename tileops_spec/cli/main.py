"""`tospec`: the group of commands, each imported only when it is called."""

from __future__ import annotations

import importlib
import os

import click

from .. import __version__

_TRACEBACK = "TOSPEC_TRACEBACK"
"""The environment variable that lets an internal error show its traceback."""

COMMANDS = {
    "build": "Check a spec, render its scaffold, prove its body, write what changed.",
    "diff": "Show how generated files differ from what build would write, or specs from an earlier version.",
    "doctor": "Say what this machine can do: tools, versions, GPU.",
    "explain": "Explain a spec (what is derived from it) or a finding's code.",
    "fill": "Ask a provider for a kernel body until one passes the gates.",
    "fmt": "Format specs, comments and meaning kept.",
    "mutate": "Seed errors in specs and report which check catches each.",
    "lint": "Check specs and report every finding.",
    "new": "Write a first version of a spec, from a template or a torch function.",
    "prompt": "Print the prompt that fill would send.",
    "schema": "Print the JSON Schema of spec files, for editors.",
    "tune": "Choose a body's configuration for each workload: predicted, then timed on a GPU.",
    "verify": "Run the gates on committed bodies.",
}


class LazyGroup(click.Group):
    """Knows its commands by name, and imports a command's module when that command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return importlib.import_module(f".{name}", __package__).command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        """As click does, with a suggestion for a misspelt command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tospec")
def tospec() -> None:
    """Compile GPU kernel specs: the mathematics in, a proven TileLang kernel out.

    \b
    Exit codes: 0 clean; 1 findings, drift or a failed gate; 2 usage, configuration or internal error;
    3 verify ran and failed; 4 this machine lacks something; 130 interrupted.
    """


def main() -> None:
    """The console entry point: exit codes as documented, and no traceback for an error of the user's."""
    try:
        status = tospec.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        raise SystemExit(130) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
    except Exception as error:
        if os.environ.get(_TRACEBACK):
            raise
        click.echo(f"internal error: {type(error).__name__}: {error}", err=True)
        click.echo(f"this is a bug of tospec; {_TRACEBACK}=1 shows where it happened", err=True)
        raise SystemExit(2) from None
    raise SystemExit(status if isinstance(status, int) else 0)
