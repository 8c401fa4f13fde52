"""District extracts to benchmark statuses, and a flag for what is late: the pipeline behind improvement plans."""
