"""A demo home from a seed: districts are lived through once, then told as files, registry, plans and answers."""

from __future__ import annotations

from pathlib import Path

from sipetl.demo.answers import answer_key, write_answers
from sipetl.demo.deliveries import Facts, write_deliveries
from sipetl.demo.homefiles import write_registry
from sipetl.demo.names import canary
from sipetl.demo.people import exchange, make_people
from sipetl.demo.planfiles import write_plans
from sipetl.demo.results import make_mcas, make_sittings
from sipetl.demo.script import Outbox, Script, days_of
from sipetl.demo.spec import DistrictSpec, make_districts
from sipetl.demo.staff import make_evidence, make_staff, make_walks
from sipetl.demo.surveys import make_surveys
from sipetl.demo.world import District, make_district

SEED = 20260327
STUDENTS, DISTRICTS = 3000, 3


def generate(
    home: Path, *, students: int = STUDENTS, districts: int = DISTRICTS, seed: int = SEED, answers: Path | None = None
) -> Script:
    """Write a demo home: registry, plans, and the files that will arrive; `answers` gets the answer key.

    Args:
        home: folder of the home; what is in its way is overwritten.
        students: about how many are enrolled on a day, in all districts together.
        districts: how many; three are laid out by hand.
        seed: the same seed gives the same bytes.
        answers: folder for `values.parquet`; None = not written.
    """
    specs = make_districts(students, districts, seed)
    everything = [_facts(district, seed) for district in _districts(specs, seed)]
    outbox = Outbox(home, [], [])
    for facts in everything:
        write_deliveries(facts, outbox)
    key = answer_key(everything)
    registry = home / "registry"
    identified = write_plans(specs, key, registry / "plans")
    write_registry(specs, registry, identified)
    if answers is not None:
        write_answers(key, answers)
    canaries = tuple(canary(spec.number, spec.district) for spec in specs)
    script = Script(home, days_of(outbox.arrivals), tuple(outbox.planted), canaries)
    script.save()
    return script


def _districts(specs: tuple[DistrictSpec, ...], seed: int) -> list[District]:
    import numpy as np

    people = exchange([make_people(spec, np.random.default_rng([seed, spec.number, 1])) for spec in specs])
    return [make_district(spec, each, seed) for spec, each in zip(specs, people, strict=True)]


def _facts(district: District, seed: int) -> Facts:
    staff = make_staff(district, seed)
    return Facts(
        district=district,
        sittings=make_sittings(district, seed),
        mcas=make_mcas(district, seed),
        staff=staff,
        walks=make_walks(district, seed),
        evidence=make_evidence(district, staff, seed),
        surveys=make_surveys(district, staff, seed),
    )
