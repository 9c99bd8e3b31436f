"""The kinds of errors that are seeded in bodies, as data: a name, what it stands for, and the function that finds its
places. Each is about Python and TileLang, none about one op."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..sites import Edit, Sites
from . import arithmetic, contract, indices, loops, masks, memory, synchronization


@dataclass(frozen=True, slots=True)
class Operator:
    """`find` yields every edit of this kind."""

    name: str
    description: str
    find: Callable[[Sites], Iterator[Edit]]


OPERATORS: tuple[Operator, ...] = (
    Operator("dropped clear", "an accumulator starts with what was there", memory.dropped_clear),
    Operator("late clear", "a clear comes after the statement that needs it", memory.late_clear),
    Operator("wrong identity", "masked or initial elements are not neutral", memory.wrong_identity),
    Operator("dropped copy", "a tile is not loaded or stored: a stale buffer", memory.dropped_copy),
    Operator("dropped product", "a matrix product is left out", memory.dropped_product),
    Operator("dropped reduction", "a reduction is left out", memory.dropped_reduction),
    Operator("dropped store", "an element, rescaling or counter is not updated", memory.dropped_store),
    Operator("repeated statement", "an update or product is done twice", memory.repeated_statement),
    Operator("swapped statements", "two neighbours stand in the wrong order", memory.swapped_statements),
    Operator("f16 accumulator", "a float32 fragment has 16 bits", memory.narrowed_accumulator),
    Operator("shrunk buffer", "an on-chip buffer is one element short", memory.shrunk_buffer),
    Operator("wrong buffer", "another on-chip buffer is used", memory.wrong_buffer),
    Operator("wrong tensor", "another input is read", memory.wrong_tensor),
    Operator("plain accumulation", "an atomic update is not atomic", memory.plain_accumulation),
    Operator("overwritten sum", "`=` for `+=`, or the reverse", memory.overwritten_sum),
    Operator("dropped guard", "a condition always holds, or never", masks.dropped_guard),
    Operator("dropped mask", "a selection takes one branch always", masks.dropped_mask),
    Operator("weakened condition", "one operand of `and` or `or` is forgotten", masks.weakened_condition),
    Operator("wrong connective", "`and` for `or`, or the reverse", masks.wrong_connective),
    Operator("off-by-one comparison", "`<` for `<=` and the like", masks.off_by_one_comparison),
    Operator("moved comparison", "a bound is one off", masks.moved_comparison),
    Operator("negated condition", "a comparison is turned round", masks.negated_condition),
    Operator("swapped branches", "a selection takes the other branch", masks.swapped_branches),
    Operator("off-by-one index", "an index is one too large", indices.off_by_one_index),
    Operator("shifted region", "a region begins and ends one element late", indices.shifted_region),
    Operator("swapped indices", "two indices are exchanged", indices.swapped_indices),
    Operator("wrong batch", "a leading index stays at 0", indices.wrong_batch),
    Operator("wrong stride", "the step from one tile to the next is off", indices.wrong_stride),
    Operator("wrong transpose", "a factor is transposed that is not, or the reverse", indices.wrong_transpose),
    Operator("swapped operands", "the sides of a product or copy are exchanged", indices.swapped_operands),
    Operator("wrong axis", "a reduction runs along another axis", indices.wrong_axis),
    Operator("aliased block", "two blocks do the same work", indices.aliased_block),
    Operator("swapped block indices", "the axes of the grid are exchanged", indices.swapped_block_indices),
    Operator("skipped last tile", "a count of tiles is rounded down", loops.skipped_last_tile),
    Operator("extra tile", "a loop runs one round more", loops.extra_tile),
    Operator("short loop", "a loop leaves out its last round", loops.short_loop),
    Operator("wrong start", "a loop leaves out its first round, or starts one early", loops.wrong_start),
    Operator("short parallel", "the last element of a tile's axis is left out", loops.short_parallel),
    Operator("halved parallel", "half a tile is left out", loops.halved_parallel),
    Operator("wrong grid", "one block fewer, or one more", loops.wrong_grid),
    Operator("wrong operator", "`-` for `+` and the like", arithmetic.wrong_operator),
    Operator("swapped sides", "`b - a` for `a - b` and the like", arithmetic.swapped_sides),
    Operator("wrong function", "`exp` for `exp2` and the like", arithmetic.wrong_function),
    Operator("wrong reduction", "a maximum for a sum and the like", arithmetic.wrong_reduction),
    Operator("dropped operand", "one side of a maximum or minimum is forgotten", arithmetic.dropped_operand),
    Operator("dropped factor", "a scale or rescaling is forgotten", arithmetic.dropped_factor),
    Operator("dropped term", "a summand is forgotten", arithmetic.dropped_term),
    Operator("dropped function", "a function is not applied", arithmetic.dropped_function),
    Operator("wrong number", "a number is one too large, or a tenth off", arithmetic.wrong_number),
    Operator("slightly wrong number", "a number is a hundredth off", arithmetic.slightly_wrong_number),
    Operator("dropped cast", "a value keeps its dtype", arithmetic.dropped_cast),
    Operator("early cast", "a float32 value is rounded to 16 bits on the way", arithmetic.early_cast),
    Operator("narrowed cast", "a cast to float32 goes to 16 bits", arithmetic.narrowed_cast),
    Operator("dropped wait", "a barrier, or work in flight, is not waited for", synchronization.dropped_wait),
    Operator("dropped arrival", "a barrier is not arrived at", synchronization.dropped_arrival),
    Operator("repeated arrival", "a barrier is arrived at twice", synchronization.repeated_arrival),
    Operator("early arrival", "a buffer is given back a statement too soon", synchronization.early_arrival),
    Operator("wrong parity", "a wait is for the other phase", synchronization.wrong_parity),
    Operator("constant parity", "a wait is for the first phase always", synchronization.constant_parity),
    Operator("weaker wait", "one more product stays in flight", synchronization.weaker_wait),
    Operator("wrong stage", "the next stage of a ring is used", synchronization.wrong_stage),
    Operator("fixed stage", "the first stage of a ring is used always", synchronization.fixed_stage),
    Operator("wrong barrier", "another barrier is used", synchronization.wrong_barrier),
    Operator("wrong arrival count", "a barrier counts other threads", synchronization.wrong_arrival_count),
    Operator("other stages", "a pipeline has another depth", synchronization.more_stages),
    Operator("wrong dim", "another dim of the spec is used", contract.wrong_dim),
    Operator("wrong tunable", "another tunable is used", contract.wrong_tunable),
    Operator("ignored tunable", "a tunable is fixed", contract.ignored_tunable),
    Operator("ignored param", "a param is fixed at 0 or 1", contract.ignored_param),
    Operator("ignored flag", "a flag or an optional input is ignored", contract.ignored_flag),
)
