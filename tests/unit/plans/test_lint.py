from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from sipetl.plans.lint import RULES, Severity, lint
from sipetl.plans.load import load_plan
from sipetl.registry.yamlfile import read_document

B1_TEXT = "text: Fewer students are chronically absent"


def test_a_good_plan_has_no_finding(plan_file, good_plan, lint_context):
    assert lint(load_plan(plan_file(good_plan)), lint_context) == []


def spoil(old: str, new: str):
    def spoiled(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return spoiled


def without_mags(text: str) -> str:
    return text[: text.index("mags:")]


def without_benchmarks(text: str) -> str:
    return text[: text.index("      benchmarks:")] + text[text.index("mags:") :]


TIMELINE = "timeline:\n      - {step: Form the team, owner: Principal, due: 2025-10-31}"
MCAS_EL = "metric: mcas_ela_me_rate,\n   student_group: el"
SPOILED = [
    ("PL01", without_mags, "the plan has no measurable annual goal"),
    ("PL01", without_benchmarks, "initiative I1 has no interim benchmark"),
    ("PL01", spoil(TIMELINE, "timeline: []"), "initiative I1 has no timeline"),
    ("PL01", lambda text: "\n".join(text.splitlines()[:2]), "the plan has no initiative"),
    ("PL02", spoil("assessment, academic: true", "assessment, academic: false"), "no MAG is academic"),
    ("PL02", spoil("school, academic: false", "school, academic: true"), "no student benchmark is non-academic"),
    ("PL03", spoil("kind: educator", "kind: student"), "no benchmark is of kind educator"),
    ("PL04", spoil("target: {value: 24}", "target: {value: 31.41}"), "worse than the baseline"),
    ("PL04", spoil("target: {value: 80}", "target: {value: 49.9}"), "worse than the baseline"),
    ("PL04", spoil("target: {value: 80}, direction: up", "target: {value: 40}, direction: down"), "is better up"),
    ("PL05", spoil(B1_TEXT, "text: ''"), "B1 does not say what changes"),
    ("PL05", spoil('baseline: {value: 50, period: "2025"}, ', ""), "B3 has no baseline"),
    ("PL06", spoil(MCAS_EL, "metric: mcas_ela_me_rate"), "the identified group el has no MAG"),
    ("PL06", spoil("        student_group: el\n", ""), "the identified group el has no student benchmark"),
    ("PL07", spoil("metric: team_review_rate", "metric: team_reviews_rate"), "not in the catalogue"),
    ("PL07", spoil("metric: team_review_rate", "metric: region_rate"), "not computed for schools"),
    ("PL08", spoil("feed: evidence", "feed: survey"), "computed from evidence"),
    ("PL09", spoil("due: 2026-09-30", "due: 2026-06-12"), "by 2026-06-19, but it is not due before 2026-09-25"),
    ("PL09", spoil("due: 2026-09-30", "due: 2026-10-15"), "no cycle reviews M2"),
    ("PL09", spoil("due: 2026-06-12", "due: 2026-06-20"), "no arrival of attendance is due after"),
    ("PL10", spoil("path: hold, due: 2026-06-12", "path: rises, due: 2026-06-12"), "cannot follow rises"),
    ("PL10", spoil("        window: winter\n", ""), "needs the target's window"),
    ("PL11", spoil("student_group: el\n", "student_group: swd\n"), "below the minimum of 10"),
    ("PL12", spoil("due: 2025-10-31", "due: 2025-08-14"), "2025-08-14 is outside the school year"),
    ("PL12", spoil("due: 2026-06-12", "due: 2026-07-01"), "2026-07-01 is outside the school year"),
    ("PL13", spoil("Teachers act on attendance data", "80 percent of teachers are trained"), "B3 counts an activity"),
    ("PL15", spoil("practice: TP4", "practice: TP5"), "TP5 is no turnaround practice"),
]


@pytest.mark.parametrize(("rule", "spoiled", "said"), SPOILED)
def test_each_rule_finds_its_fault(plan_file, good_plan, lint_context, rule, spoiled, said):
    plan = load_plan(plan_file(spoiled(good_plan)))

    findings = [finding for finding in lint(plan, lint_context) if finding.rule == rule]

    assert [said in finding.what for finding in findings].count(True) == 1
    assert all(finding.cure for finding in findings)


def test_a_due_date_between_cycles_waits_for_the_next_one(plan_file, good_plan, lint_context):
    # attendance of March 5 arrives on June 15; the June cycle reviews it and waits until the 19th
    text = good_plan.replace("due: 2026-03-01, cadence: quarterly", "due: 2026-03-05, cadence: quarterly")

    assert lint(load_plan(plan_file(text)), lint_context) == []


def test_a_linear_path_needs_a_baseline(plan_file, good_plan, lint_context):
    text = good_plan.replace('baseline: {value: 50, period: "2025"}, ', "").replace("path: rises", "path: linear")

    findings = lint(load_plan(plan_file(text)), lint_context)

    assert [finding.rule for finding in findings] == ["PL05", "PL10"]
    assert findings[1].what == "the path linear needs a baseline"


def test_a_feed_the_district_does_not_deliver_is_an_error(plan_file, good_plan, lint_context):
    context = replace(lint_context, feed_due={"attendance": (), "assessment": ()})

    findings = lint(load_plan(plan_file(good_plan)), context)

    assert [(finding.rule, finding.severity) for finding in findings] == [("PL08", Severity.ERROR)]
    assert findings[0].what == "the district does not deliver evidence"


def test_data_that_arrives_after_the_cycle_needs_it_is_an_error(plan_file, good_plan, lint_context):
    context = replace(
        lint_context, feed_due=lint_context.feed_due | {"attendance": (date(2026, 3, 9), date(2026, 6, 15))}
    )

    findings = lint(load_plan(plan_file(good_plan)), context)

    assert [finding.rule for finding in findings] == ["PL09"]
    assert findings[0].what == "cycle C1 needs its data by 2026-03-06, but it is not due before 2026-03-09"


def test_too_many_benchmarks_are_a_warning(plan_file, good_plan, lint_context):
    findings = lint(load_plan(plan_file(good_plan)), replace(lint_context, most_benchmarks=2))

    assert [(finding.rule, finding.severity) for finding in findings] == [("PL14", Severity.WARNING)]


@pytest.mark.parametrize(
    ("text", "is_output"),
    [
        ("90% of teachers trained in literacy", True),
        ("All staff attend two professional development sessions", True),
        ("Percent of educators who completed the module", True),
        ("A team reviews student and teacher attendance and acts on it", False),
        ("85% of instructional staff receive targeted, actionable feedback", False),
        ("Teachers contact at least one family member of every student", False),
        ("Students attend school more often", False),
    ],
)
def test_output_wording_is_told_from_outcome(plan_file, good_plan, lint_context, text, is_output):
    plan = load_plan(plan_file(good_plan.replace(B1_TEXT, f'text: "{text}"')))

    assert [finding.rule for finding in lint(plan, lint_context)] == (["PL13"] if is_output else [])


def test_a_misspelt_metric_is_told_the_nearest(plan_file, good_plan, lint_context):
    plan = load_plan(plan_file(good_plan.replace("metric: team_review_rate", "metric: team_reviews_rate")))

    assert lint(plan, lint_context)[0].cure == "did you mean team_review_rate?"


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ("chronic_absense", "did you mean chronic_absence_rate_pk12"),
        ("staff_with_evidense_team_review", "did you mean staff_with_evidence_{evidence}?"),
        ("xyz", "name a metric of the catalogue: see 'sipetl metrics list'"),
    ],
)
def test_a_misspelt_metric_is_told_those_that_are_like_it(plan_file, good_plan, lint_context, wrong, cure):
    plan = load_plan(plan_file(good_plan.replace("metric: team_review_rate", f"metric: {wrong}")))

    assert lint(plan, lint_context)[0].cure.startswith(cure)


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ("swd", "did you mean disability?"),
        ("English learners", "did you mean english_learner?"),
        ("hispanics", "did you mean hispanic?"),
        ("grade_3", "did you mean grade_03?"),
        ("xyz", "known: all, american_indian, asian,"),
    ],
)
def test_an_unknown_student_group_is_told_what_it_may_mean(plan_file, good_plan, lint_context, wrong, cure):
    context = replace(lint_context, student_groups=("all", "el"))
    plan = load_plan(plan_file(good_plan.replace("student_group: el\n", f"student_group: {wrong}\n")))

    (finding,) = (finding for finding in lint(plan, context) if finding.rule == "PL17")

    assert finding.what == f"the student group {wrong} is not known"
    assert finding.cure.startswith(cure)
    assert finding.where == "practices[0].objectives[0].initiatives[0].benchmarks[1].student_group"


def test_a_grade_is_written_with_two_digits(plan_file, good_plan, lint_context):
    plan = load_plan(
        plan_file(good_plan.replace("student_group: el\n", "student_group: el\n        grades: ['3', KF]\n"))
    )

    assert [(f.what, f.cure) for f in lint(plan, lint_context)] == [("the grade 3 is not known", "did you mean 03?")]


@pytest.mark.parametrize(
    ("line", "place"), [("plan: MA/00350013", "plan"), ("plan: P1\nschool: XX/00350012", "school")]
)
def test_a_plan_for_a_school_that_is_not_in_the_registry_is_an_error(plan_file, good_plan, lint_context, line, place):
    context = replace(lint_context, schools=frozenset({"MA/00350012", "MA/99010005"}))
    path = plan_file(good_plan.replace('plan: "MA/00350012"', line))

    (finding,) = lint(load_plan(path), context, read_document(path))

    assert (finding.rule, finding.severity) == ("PL16", Severity.ERROR)
    assert finding.cure == "did you mean MA/00350012?"
    assert finding.where == f"{path}:{1 if place == 'plan' else 2} {place}"


def test_another_framework_has_its_own_practices(plan_file, good_plan, lint_context):
    text = good_plan.replace("practice: TP4", "practice: CG2").replace("title:", "framework: coherence\ntitle:")

    assert lint(load_plan(plan_file(text)), lint_context) == []


def test_a_finding_names_its_place_and_its_line_where_the_file_is_known(plan_file, good_plan, lint_context):
    path = plan_file(good_plan.replace("metric: mcas_ela_me_rate", "metric: mcas"))
    plan = load_plan(path)

    without_file = lint(plan, lint_context)[0]
    with_file = lint(plan, lint_context, read_document(path))[0]

    assert without_file.where == "mags[1].metric"
    assert with_file.where == f"{path}:40 mags[1].metric"


def test_every_rule_has_a_line_of_documentation():
    assert list(RULES) == [f"PL{number:02}" for number in range(1, 18)]
    assert all((check.__doc__ or "").endswith(".") for _, check in RULES.values())
