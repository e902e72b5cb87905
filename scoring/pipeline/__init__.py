"""Floor 3: the stories of a job, each a list of steps: submit, split, score, finalize, and one turn of the scheduler."""
