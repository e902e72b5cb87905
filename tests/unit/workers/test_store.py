"""A host that does not see the deployment's store is told so, and works on nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scoring.core.errors import ServerUnreachable
from scoring.data.storage import STORE_ID_FILE
from scoring.ledger.database import Ledger
from scoring.settings import Settings, load_settings
from workers.store import require_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"SCORING_HOME": str(tmp_path)}, folder=tmp_path)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    opened = Ledger.open(settings.database_url)
    yield opened
    opened.close()


def test_the_first_process_founds_the_store_and_others_find_it(settings: Settings, ledger: Ledger) -> None:
    """The id is made once; a second look is content with it."""
    require_store(settings, ledger)
    first = (settings.store / STORE_ID_FILE).read_text()
    require_store(settings, ledger)
    assert (settings.store / STORE_ID_FILE).read_text() == first


def test_an_unmounted_store_is_refused_and_not_founded_again(settings: Settings, ledger: Ledger) -> None:
    """An empty mount point must not become a second store."""
    require_store(settings, ledger)
    (settings.store / STORE_ID_FILE).unlink()
    with pytest.raises(ServerUnreachable, match="does not see the store"):
        require_store(settings, ledger)
    assert not (settings.store / STORE_ID_FILE).exists()


def test_another_deployments_store_is_refused(settings: Settings, ledger: Ledger, tmp_path: Path) -> None:
    """Two stores with files of the same names would mix two deployments."""
    require_store(settings, ledger)
    other = replace(settings, store=tmp_path / "other")
    other.store.mkdir()
    (other.store / STORE_ID_FILE).write_text("another")
    with pytest.raises(ServerUnreachable, match="another deployment's store"):
        require_store(other, ledger)
