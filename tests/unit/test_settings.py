"""What the environment says is read once, checked whole, and never shown with its passwords."""

from pathlib import Path

import pytest

from scoring.core.errors import SettingsError
from scoring.settings import LogFormat, Settings, load_settings

POSTGRES = "postgresql+psycopg://me:hidden@db/scoring"


def load(folder: Path, **variables: str) -> Settings:
    return load_settings({"SCORING_HOME": str(folder), **variables}, folder=folder)


def test_nothing_set_is_an_embedded_house(tmp_path: Path) -> None:
    """Without settings there is a SQLite ledger and a store in the home, and no broker."""
    settings = load(tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path / 'ledger.db'}"
    assert settings.store == tmp_path / "store"
    assert not settings.deployed
    assert (settings.lease_seconds, settings.max_attempts, settings.chunk_timeout_seconds) == (60, 3, None)
    assert (settings.input_roots, settings.log_format, settings.debug) == ((), LogFormat.TEXT, False)


def test_home_defaults_to_the_platforms_data_folder(tmp_path: Path) -> None:
    """Unset, the home is the platform's, and an empty value counts as unset."""
    assert load_settings({"SCORING_HOME": ""}, folder=tmp_path) == load_settings({}, folder=tmp_path)
    assert load_settings({}, folder=tmp_path).home.name == "scoring"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),  # as hosting services hand it out
        ("sqlite:////abs/l.db", "sqlite:////abs/l.db"),
    ],
)
def test_database_urls_are_brought_to_one_form(tmp_path: Path, given: str, read: str) -> None:
    """The ledger's driver is ours to choose."""
    assert load(tmp_path, SCORING_DATABASE_URL=given).database_url == read


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "sqlite://"),  # in memory: a job must outlive its process
        ("BROKER_URL", "kafka://h"),
        ("STORE", "s3://bucket/x"),
        ("LEASE_SECONDS", "1.9"),
        ("LEASE_SECONDS", "nan"),
        ("LEASE_SECONDS", "inf"),
        ("MAX_ATTEMPTS", "0"),
        ("MAX_ATTEMPTS", "2.5"),
        ("CHUNK_TIMEOUT_SECONDS", "soon"),
        ("LOG_FORMAT", "xml"),
        ("DEBUG", "perhaps"),
        ("PREPARE_MODULES", "mine; rm"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, text: str) -> None:
    """The message says which setting, what was expected and what came."""
    with pytest.raises(SettingsError, match=rf"SCORING_{name}: expected .+; got .+"):
        load(tmp_path, **{f"SCORING_{name}": text})


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Nobody should have to start three times to learn of three mistakes."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, SCORING_MAX_ATTEMPTS="x", SCORING_DEBUG="x", SCORING_LEESE_SECONDS="9")
    for name in ("SCORING_MAX_ATTEMPTS", "SCORING_DEBUG", "did you mean SCORING_LEASE_SECONDS?"):
        assert name in str(caught.value)


def test_a_broker_beside_a_sqlite_ledger_is_refused(tmp_path: Path) -> None:
    """Other hosts could not see that ledger."""
    with pytest.raises(SettingsError, match="SQLite"):
        load(tmp_path, SCORING_BROKER_URL="redis://h/0")
    assert load(tmp_path, SCORING_BROKER_URL="redis://h/0", SCORING_DATABASE_URL=POSTGRES).deployed


def test_passwords_stay_out_of_repr_and_of_messages(tmp_path: Path) -> None:
    """Settings are printed by debuggers and error pages."""
    settings = load(tmp_path, SCORING_BROKER_URL="redis://:hidden@h/0", SCORING_DATABASE_URL=POSTGRES)
    assert "hidden" not in repr(settings)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, SCORING_DATABASE_URL="mysql://me:hidden@db/x", SCORING_BROKER_URL="http://:hidden@h")
    assert "hidden" not in str(caught.value)


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """`SCORING_DATABASE_URL_FILE` names a file; its last line break is not part of the secret."""
    (tmp_path / "secret").write_text(POSTGRES + "\n")
    assert load(tmp_path, SCORING_DATABASE_URL_FILE=str(tmp_path / "secret")).database_url == POSTGRES


@pytest.mark.parametrize("also", [{}, {"SCORING_DATABASE_URL": POSTGRES}])
def test_an_unreadable_or_doubled_secret_is_a_problem(tmp_path: Path, also: dict[str, str]) -> None:
    """Neither a missing file nor two values are passed over in silence."""
    with pytest.raises(SettingsError, match="SCORING_DATABASE_URL_FILE"):
        load(tmp_path, SCORING_DATABASE_URL_FILE=str(tmp_path / "none"), **also)


def test_the_environment_wins_over_the_dotenv_file(tmp_path: Path) -> None:
    """`.env` is read, checked like the environment, and never interpolated."""
    password = "postgresql+psycopg://me:${HOME}@db/x"
    (tmp_path / ".env").write_text(
        f"SCORING_MAX_ATTEMPTS=5\nSCORING_LEASE_SECONDS=9\nSCORING_DATABASE_URL='{password}'\n"
    )
    settings = load(tmp_path, SCORING_MAX_ATTEMPTS="7")
    assert (settings.max_attempts, settings.lease_seconds) == (7, 9)
    assert settings.database_url == password


def test_roots_are_lists_of_real_folders(tmp_path: Path) -> None:
    """Commas and line breaks separate; a link counts as the folder that it leads to."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    settings = load(tmp_path, SCORING_INPUT_ROOTS=f"{tmp_path / 'link'},\n /srv/data \n")
    assert settings.input_roots == (str(tmp_path / "real"), "/srv/data")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("SCORING_DATABASE_URL", "postgresql+psycopg://scoring:p@ss:w@rd@127.0.0.1/x"),
        ("SCORING_BROKER_URL", "redis://:sek/ret9@127.0.0.1:6379/0"),
        ("SCORING_BROKER_URL", "redis://host:port/0"),
    ],
)
def test_a_password_that_is_not_encoded_is_refused_without_being_shown(name: str, url: str, tmp_path: Path) -> None:
    """What stands in the wrong place of a URL may be a piece of a password: no message repeats it."""
    with pytest.raises(SettingsError, match="percent-encoded") as refused:
        load_settings({name: url, "SCORING_HOME": str(tmp_path)}, folder=tmp_path)
    assert not any(piece in str(refused.value) for piece in ("w@rd", "sek", "ret9", "p@ss"))
