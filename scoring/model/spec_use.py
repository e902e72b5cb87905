"""Whether a spec is used whole: what it says of a name that feeds nothing is a mistake, never ignored."""

from collections.abc import Sequence

from scoring.core.errors import ModelRefused
from scoring.model.features import Feed
from scoring.model.hints import listed
from scoring.model.spec import ModelSpec
from scoring.model.spec_values import bad, near


def check_used(spec: ModelSpec, feeds: Sequence[Feed]) -> None:
    """ModelRefused for `fill`, `categories` and `derive` of names that feed no input."""
    used = list(dict.fromkeys(feature.name for feed in feeds for feature in feed.features))
    if spec.prepare is not None and (spec.categories or spec.derive):
        raise bad(
            "`categories` and `derive` beside `prepare`",
            "`prepare` alone: its function makes the features",
            listed([*spec.categories, *spec.derive]),
            remedy="convert these columns in the function",
        )
    twice = [name for name in spec.categories if name in spec.derive]
    if twice:
        raise bad("`categories` of a feature that `derive` makes", "one of the two", listed(twice))
    for key, names in (("fill", spec.fill), ("categories", spec.categories), ("derive", spec.derive)):
        for name in names:
            if name not in used:
                raise _unused(key, name, used)


def _unused(key: str, name: str, used: Sequence[str]) -> ModelRefused:
    where = "list it in `features` or `inputs`, or take it out" if key == "derive" else "correct the name"
    return bad(
        f"`{key}` of {name!r}", f"features of the model: {listed(used)}", repr(name), remedy=near(name, used) or where
    )
