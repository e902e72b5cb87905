"""How soon a worker's connection to the broker comes back, and by which door messages come in."""

import pytest

from workers.app import deployed_app
from workers.connection import RETRY_SECONDS
from workers.door import Door


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0"])
def test_messages_of_redis_come_in_by_the_door(url: str) -> None:
    """Whatever the scheme, and also for a copy of the connection, such as the worker makes."""
    connection = deployed_app(url).connection_for_read()
    assert Door is connection.get_transport_cls()
    assert isinstance(connection.clone().transport, Door)


def test_a_broker_that_was_away_for_long_is_tried_again_within_seconds() -> None:
    """However long the pauses have grown, the next one ends before a restart has cost half a minute."""
    pauses: list[float] = []

    def failed(_error: Exception, pause: float) -> None:
        pauses.append(pause)
        raise RuntimeError

    connection = deployed_app("redis://127.0.0.1:1/0").connection_for_read()
    with pytest.raises(RuntimeError):
        connection.ensure_connection(failed, None, interval_start=1_000)
    assert [RETRY_SECONDS] == pauses
