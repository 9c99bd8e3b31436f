"""Taking secrets out of text before it is shown or kept."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH", re.IGNORECASE)
_SHAPES = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|hf|xox[abp])[-_][A-Za-z0-9_-]{8,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_ASSIGNED = re.compile(
    r"(?i)\b([\w-]*(?:api[-_]?key|token|secret|password|authorization)[\w-]*[\"']?\s*[=:]\s*[\"']?)([^\s\"',;]{8,})"
)
_SHORTEST = 6
HIDDEN = "[hidden]"


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without values of environment variables that are named like secrets, and without what looks like one."""
    environment = os.environ if environment is None else environment
    secrets = (v for name, v in environment.items() if _SECRET_NAME.search(name) and len(v) >= _SHORTEST)
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _ASSIGNED.sub(rf"\1{HIDDEN}", text)
    return _SHAPES.sub(HIDDEN, text)
