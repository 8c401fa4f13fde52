"""Tests on one Airflow that runs: a package, so that pytest stops it after the last of them."""
