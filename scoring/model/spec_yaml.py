"""YAML of which every scalar is text as it is written: no, 007 and 2020-01-01 are names as good as any."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.core.errors import InputMissing
from scoring.core.opener import Opener
from scoring.model.spec_values import bad

if TYPE_CHECKING:
    import yaml


LARGEST_CHARACTERS = 4 * 2**20
"""Of a spec: categories of a few hundred thousand values."""


def read_yaml(path: str | Path, opener: Opener | None = None) -> Any:
    """Maps, lists, texts and None. InputMissing, or ModelRefused with the line that is no YAML.

    opener: as `open` takes it; whatever it raises beside OSError is passed on.
    """
    import yaml

    try:
        with open(path, encoding="utf-8", opener=opener) as file:  # Path has no opener
            text = file.read(LARGEST_CHARACTERS + 1)
        if len(text) > LARGEST_CHARACTERS:
            raise bad("the file", f"at most {LARGEST_CHARACTERS:,} characters", "more")
        return yaml.load(text, _text_loader())  # noqa: S506  # a SafeLoader
    except FileNotFoundError as error:
        raise InputMissing(f"no spec at {path}", expected="a model.yaml", remedy="check the path") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise bad("the file", "YAML", str(error).replace("\n", " ")[:200]) from error


def _text_loader() -> "type[yaml.SafeLoader]":
    import yaml

    class TextLoader(yaml.SafeLoader):
        """Knows null alone, and refuses what other loaders take silently: a key that stands twice."""

        # The first character of a scalar → what it may be beside text.
        yaml_implicit_resolvers = {  # noqa: RUF012  # as the parent has it
            first: [(tag, pattern) for tag, pattern in found if tag == "tag:yaml.org,2002:null"]
            for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: dict[Any, yaml.Node] = {}
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands twice", key.start_mark
                    )
                seen[key.value if isinstance(key, yaml.ScalarNode) else id(key)] = key
            return super().construct_mapping(node, deep)

    return TextLoader
