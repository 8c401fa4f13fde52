"""Decide which feed a file serves: by what only that feed has, and by its shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from sipetl.intake.suggest.beside import Match
from sipetl.intake.suggest.match import ID_WORDS, KINDS, Matching, match_feed
from sipetl.intake.suggest.persons import Person
from sipetl.intake.suggest.profile import Profile
from sipetl.intake.suggest.shape import Blocks, Figure, figures, item_pattern, questions, ratings, subject_blocks
from sipetl.intake.suggest.thesaurus import Namer
from sipetl.intake.suggest.words import load_words
from sipetl.registry.models import FeedName

BY_TOTAL = 0.03
"""What each further column adds: it decides between feeds that are told alike."""
BY_SHAPE = 0.3
"""What items, questions or figures add: no other feed has them."""
ASKED = 0.1
"""Share of a file's columns that are questions, where it is a survey."""
LEAST = 0.5
"""Below it a file is of no feed."""
LEARNERS = frozenset(("student", "pupil", "learner"))
"""Whose names stand in no published table; a principal's may."""
FEW_DAYS = 5
"""Figures are of a year or a term: a table of more days than these is a record of events."""
OBSERVED = frozenset(
    ("observation", "observations", "observer", "walkthrough", "walkthroughs", "walk", "walks", "rubric")
)
"""Words of which a file of classroom observations has one."""
SURE = 0.7
"""Belief from which a student's id rules out published figures."""
_CODE_LENGTH = range(3, 13)


@dataclass(frozen=True, slots=True)
class Choice:
    """A feed, how much speaks for it, and what was found of it."""

    feed: FeedName
    score: float
    matching: Matching
    by: str
    """What tells it, in words."""
    figures: tuple[Figure, ...] = ()
    items: tuple[str, int] | None = None
    questions: tuple[Profile, ...] = ()
    ratings: tuple[Profile, ...] = ()
    """Indicators of an observation that stand side by side."""
    blocks: Blocks | None = None


def choices(
    columns: Sequence[Profile], namer: Namer, only: FeedName | None = None, *, about: frozenset[str] = frozenset()
) -> list[Choice]:
    """Every feed that may fit, best first. `about`: words of the file's name, sheet and title."""
    feeds = [only] if only else list(FeedName)
    found = [_choice(feed, match_feed(feed, columns, namer), columns, namer) for feed in feeds]
    found = [_observed(one, columns, about) for one in found]
    ranked = map(partial(_not_only_roster, found), map(partial(_not_of_persons, found), found))
    return sorted(ranked, key=lambda one: -one.score)


def _not_of_persons(found: Sequence[Choice], one: Choice) -> Choice:
    """Where a row may be a student's, it is: published figures lose to every feed of students that is near."""
    if one.feed is not FeedName.PUBLISHED_RESULTS:
        return one
    near = (choice for choice in found if choice.feed in KINDS and LEAST <= choice.score >= one.score - BY_SHAPE)
    of_student = any("id_hash" in choice.matching.found for choice in near)
    return replace(one, score=one.score - 2 * BY_SHAPE) if of_student else one


def _observed(one: Choice, columns: Sequence[Profile], about: frozenset[str]) -> Choice:
    """Indicators side by side, where the file or its headers speak of observations."""
    found = dict(one.matching.found)
    told = about | {word for column in columns for word in column.words}
    if one.feed is not FeedName.OBSERVATION or found.keys() >= {"indicator", "rating"} or not told & OBSERVED:
        return one
    kept = {name: match for name, match in found.items() if name not in ("indicator", "rating", "rubric_version")}
    made = ratings(columns, frozenset(match.source.position for match in kept.values()))
    visit = max((kept[name].score for name in ("observation_hash", "observed_on") if name in kept), default=0.0)
    if not made or not visit:
        return one
    matching = replace(one.matching, found=kept)
    score = (visit + 2) / 3 + BY_SHAPE + BY_TOTAL * matching.total
    return replace(
        one, score=score, matching=matching, by=f"{len(made)} indicators side by side", ratings=tuple(made)
    )


def _not_only_roster(found: Sequence[Choice], one: Choice) -> Choice:
    """Every file about students has what tells a roster; it is one only where nothing else is told."""
    others = (choice.matching.told for choice in found if choice.feed in KINDS and choice.feed is not one.feed)
    more = one.feed is FeedName.ROSTER and max(others, default=0.0) >= SURE
    return replace(one, score=one.score - BY_SHAPE) if more else one


def _choice(feed: FeedName, matching: Matching, columns: Sequence[Profile], namer: Namer) -> Choice:
    if feed is FeedName.SURVEY:
        return _survey(matching, columns)
    if feed is FeedName.PUBLISHED_RESULTS:
        return _published(matching, columns, namer)
    blocks = subject_blocks(columns, namer) if feed is FeedName.ASSESSMENT else None
    if blocks is not None:
        kept = {name: m for name, m in matching.found.items() if name not in blocks.found}
        matching = replace(matching, found=kept, blocks=blocks.belief)
    told = [name for group in KINDS[feed] for name in group if name in matching.found]
    by = ", ".join(f"{matching.found[name].source.header!r} ({name})" for name in told)
    by += ", results in columns by subject" if blocks else ""
    score = matching.told + BY_TOTAL * (matching.total + len(blocks.found if blocks else ()))
    return Choice(feed, score if matching.told >= LEAST else matching.told / 2, matching, by, blocks=blocks)


def _taken(matching: Matching) -> frozenset[int]:
    return frozenset(m.source.position for m in matching.found.values())


def _survey(matching: Matching, columns: Sequence[Profile]) -> Choice:
    taken = _taken(matching)
    items = item_pattern(columns, taken)
    asked = () if items else tuple(questions(columns, taken))
    wanted = ("response_hash",) if items else ("response_hash", "id_hash")
    person = max((matching.found[name].score for name in wanted if name in matching.found), default=0.0)
    by = f"{items[1]} columns of one pattern, like items" if items else f"{len(asked)} questions"
    score = 0.0
    if person and (items or len(asked) > max(1, ASKED * len(columns))):
        score = (person + 1) / 2 + BY_SHAPE + BY_TOTAL * matching.total
    return Choice(FeedName.SURVEY, score, matching, by, items=items, questions=asked)


def _published(matching: Matching, columns: Sequence[Profile], namer: Namer) -> Choice:
    found = dict(matching.found)
    person = match_feed(FeedName.ROSTER, columns, namer).found.get("id_hash")
    known = _taken(matching) | ({person.source.position} if person else set())
    if "organization" not in found and (code := _first_code(columns, known)):
        found["organization"] = Match("organization", code, LEAST, "its values: codes")
    if name := _names(columns, found):
        old = found.get(
            "organization_name", Match("organization_name", name, LEAST, "its values: a name for each code")
        )
        found["organization_name"] = replace(old, source=name)
    matching = Matching(FeedName.PUBLISHED_RESULTS, found)
    made = tuple(figures(columns, _taken(matching)))
    score = 0.0
    if "organization" in found and made:
        score = (found["organization"].score + 1) / 2 + BY_SHAPE * min(1.0, len(made) / 2) + BY_TOTAL * matching.total
        source = person.source if person else None
        named = namer.evidence(source, FeedName.ROSTER, "id_hash").score if source else 0.0
        others = [column for column in columns if column is not found["organization"].source]
        if (source in others and named >= SURE) or any(map(_is_of_a_person, others)):
            score -= 1
        elif any(column.person is Person.MAYBE for column in others):
            score -= BY_SHAPE
        if any(column.is_dated and column.distinct > FEW_DAYS for column in columns):
            score -= 1
    by = f"{len(made)} figures beside an organization" if found.get("organization") else "no organization"
    return Choice(FeedName.PUBLISHED_RESULTS, score, matching, by, figures=made)


def _is_of_a_person(column: Profile) -> bool:
    """Is it somebody's id, or a student's name? By its header."""
    words, known = set(column.words), load_words()
    if column.person is Person.SURE:
        return True
    is_name = "name" in words and column.is_personal and bool(words & LEARNERS)
    return is_name or ("id" in words and bool(words & known.persons))


def _first_code(columns: Sequence[Profile], taken: frozenset[int]) -> Profile | None:
    """The first column of short codes with digits and without spaces."""
    for column in columns[:3]:
        codes = [v for v in column.counts if len(v) in _CODE_LENGTH and v.isalnum() and any(c.isdigit() for c in v)]
        if column.person is Person.SURE or (column.person and set(column.words) & ID_WORDS - {"code"}):
            continue
        if column.position not in taken and not column.is_dated and len(codes) > max(2, 0.95 * column.distinct):
            return column
    return None


def _names(columns: Sequence[Profile], found: dict[str, Match]) -> Profile | None:
    """The column of names that tells most of the organizations apart; the longest names."""
    code = found.get("organization")
    if code is None:
        return None
    near = [c for c in columns if "name" in c.words and not c.is_personal and not c.numeric and c.filled]
    return max(near, key=lambda c: (min(c.distinct, code.source.distinct), sum(map(len, c.counts))), default=None)
