"""`python submitters.py NUMBER MODEL INPUT KEY`: so many processes submit one job at one moment, and print its id."""

import os
import sys
import traceback


def main(number: int, model: str, rows: str, key: str) -> None:
    # Once for all of them, before the first fork.
    import scoring.pipeline.submit  # noqa: F401
    import workers.process  # noqa: F401

    start, started = os.pipe()
    for _ in range(number):
        if os.fork() == 0:
            os.close(started)
            os.read(start, 1)  # until the parent closes its end
            submit(model, rows, key)
    os.close(started)
    ends = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(number)]
    sys.exit(any(ends))


def submit(model: str, rows: str, key: str) -> None:
    import scoring

    try:
        job = scoring.submit(model, rows, key="id", output="out", idempotency_key=key)
        os.write(1, f"{job.id}\n".encode())
    except BaseException:  # noqa: BLE001  # said, and told by the exit code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
