"""Floor 3: the stories of a job: submit, split, score, finalize, and one turn of the scheduler."""
