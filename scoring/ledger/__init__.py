"""Floor 2: the only room that touches the database. The ledger is the only truth about jobs.

One verb, one function, one guarded statement per move; the functions take an open transaction (`Tx`) first.

jobs        the life of a job: insert, find, cancel, stop, retry, begin_finalizing, settle
steps       the life of a step: claim, extend, release, fail, complete_*, arm_finalize, rescue, take over
parts       chunks and their parts: insert_chunk, last_position, committed_parts
publish     which due steps are rung now, and which were lost on the way
models      the registry            processes   who is alive            reports     rows of the promised views
"""
