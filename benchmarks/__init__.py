"""How fast it is, beside the bare engine and its peers; `make bench` runs it, `RESULTS.md` is what it found."""
