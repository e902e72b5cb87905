"""How the columns of an input feed a model and what its outputs become. Decided once, at submit."""

from collections import Counter
from collections.abc import Iterable

from scoring.core.binding import Binding, InputBinding, OutputBinding, Shape
from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputRefused
from scoring.core.gates import check_requirements
from scoring.core.options import JobOptions
from scoring.core.source import SourceSchema
from scoring.model.bind_hook import bind_hook
from scoring.model.catalogue import Catalogue, PreparedColumns
from scoring.model.features import Feed, choose_columns
from scoring.model.hints import require_columns
from scoring.model.outputs import bind_outputs
from scoring.model.prediction import find_prediction
from scoring.model.signature import Signature
from scoring.model.slots import Slots
from scoring.model.spec import ModelSpec
from scoring.model.spec_use import check_used

ROW = "_row"


def bind(signature: Signature, spec: ModelSpec, source: SourceSchema, options: JobOptions) -> Binding:
    """CONTRACT section 5. InputRefused names all missing columns; what is ambiguous is shown the spec to write.

    UsageError where a gate asks for a metric of another task.
    """
    carried = _carried_names(source, options)
    require_columns(carried, source, what="a column to carry to the result")
    chosen = tuple(name for name in carried if not options.keep_all or name in (*options.key, *options.keep))
    taken = frozenset((*chosen, *((options.label,) if options.label else ())))
    catalogue = PreparedColumns(spec) if spec.prepare else Catalogue(source, spec, taken=taken)
    feeds = choose_columns(signature, spec, catalogue)
    check_used(spec, feeds)
    slots = Slots(options, spec.fill)
    inputs = tuple(_input(feed, slots) for feed in feeds)
    hook = bind_hook(spec.prepare, source, taken, slots.columns) if spec.prepare else None
    read = hook.reads if hook else slots.columns
    carriers = tuple(ColumnSpec(name=name, slot=f"c.{name}", dtype=None) for name in carried)
    outputs = bind_outputs(signature, spec)
    _check_names(carried, outputs)
    prediction = find_prediction(signature, spec, outputs, options)
    if prediction is not None:
        check_requirements(options.require, prediction.task)
    return Binding(
        columns=(*read, *carriers),
        inputs=inputs,
        outputs=outputs,
        carried=tuple((column.name, column.slot) for column in carriers),
        label_slot=f"c.{options.label}" if options.label else None,
        prediction=prediction,
        hook=hook.hook if hook else None,
        notes=slots.notes,
    )


def _input(feed: Feed, slots: Slots) -> InputBinding:
    return InputBinding(
        input=feed.tensor.name,
        dtype=feed.tensor.dtype,
        shape=feed.shape,
        slots=slots.slots_of(feed),
        dims=feed.axes if feed.shape is Shape.TENSOR else (),
    )


def _carried_names(source: SourceSchema, options: JobOptions) -> tuple[str, ...]:
    """Keys, kept columns, then the label; each once."""
    kept: Iterable[str] = (column.name for column in source.columns) if options.keep_all else options.keep
    label = (options.label,) if options.label and options.label not in options.key else ()
    names = dict.fromkeys((*options.key, *(name for name in kept if name != options.label), *label))
    return tuple(names)


def _check_names(carried: tuple[str, ...], outputs: tuple[OutputBinding, ...]) -> None:
    if ROW in carried:
        raise InputRefused(
            f"a column of the input would bear the name {ROW!r} in the result",
            expected=f"another name: there {ROW!r} is the position of the row in the input",
            got=f"{ROW!r} as key, kept column or label",
            remedy="rename the column in the input, or do not keep it (in place of --keep-all: --keep others)",
        )
    names = [ROW, *carried, *(name for output in outputs for name in output.columns)]
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise InputRefused(
            "two columns of the result would bear one name",
            expected="different names",
            got=", ".join(map(repr, twice)),
            remedy=f"rename the model's output in model.yaml, for example `rename: {{{twice[0]}: model_{twice[0]}}}`, "
            "or do not keep the column",
        )
