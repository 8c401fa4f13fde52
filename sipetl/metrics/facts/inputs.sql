-- Empty stand-ins for inputs that a home does not have yet (a feed that never arrived), types as in the contracts.
-- Only those missing are made.
create temp table lake_attendance (
    population varchar, id_hash blob, school varchar, attendance_date date, grain varchar, unit varchar,
    present boolean, excused boolean, tardy boolean, portion_absent_x100 bigint, days_member_x100 bigint,
    days_absent_x100 bigint, school_year integer, district varchar, part_id varchar, row_number bigint
);
create temp table lake_assessment (
    id_hash blob, school varchar, assessment varchar, subject varchar, "window" varchar, test_id varchar,
    tested_on date, grade varchar, scale_score_x100 bigint, level varchar, percentile bigint, sgp bigint,
    met_growth boolean, tested boolean, expected boolean, is_result boolean, race_ethnicity varchar, gender varchar,
    english_learner boolean, former_el boolean, disability boolean, low_income boolean, high_needs boolean,
    school_year integer, district varchar, part_id varchar, row_number bigint
);
create temp table lake_survey (
    response_hash blob, id_hash blob, school varchar, survey varchar, "window" varchar, responded_on date,
    population varchar, grade varchar, item varchar, value bigint, duration_s bigint, finished boolean,
    race_ethnicity varchar, gender varchar, school_year integer, district varchar, part_id varchar, row_number bigint
);
create temp table lake_observation (
    observation_hash blob, school varchar, observed_on date, observer_hash blob, classroom_hash blob, grade varchar,
    subject varchar, rubric varchar, rubric_version varchar, indicator varchar, rating bigint,
    school_year integer, district varchar, part_id varchar, row_number bigint
);
create temp table lake_evidence (
    evidence_hash blob, school varchar, evidence_on date, evidence varchar, staff_hash blob, artifact varchar,
    satisfied boolean, school_year integer, district varchar, part_id varchar, row_number bigint
);
create temp table lake_published_results (
    organization varchar, level varchar, organization_name varchar, is_total boolean, period varchar, metric varchar,
    grade varchar, subject varchar, student_group varchar, numerator bigint, denominator bigint, value decimal(18, 6),
    suppressed varchar, school_year integer, district varchar, part_id varchar, row_number bigint
);
create temp table lake_roster (
    id_hash blob, state_id_hash blob, school varchar, snapshot_on date, entry_date date, exit_date date,
    is_active boolean, grade varchar, race_ethnicity varchar, gender varchar, english_learner boolean,
    former_el boolean, disability boolean, low_income boolean, high_needs boolean, local_frl boolean,
    school_year integer, district varchar, part_id varchar, row_number bigint, valid_from date, valid_to date
);
create temp table lake_staff (
    id_hash blob, school varchar, snapshot_on date, role varchar, subject varchar, fte_x100 bigint, start_date date,
    end_date date, school_year integer, district varchar, part_id varchar, row_number bigint,
    valid_from date, valid_to date
);
create temp table identity (id_hash blob, student_key bigint);
create temp table declared_scope (part_id varchar, declared_to date);
create temp table ref_organization (
    organization_id bigint, code varchar, level varchar, district varchar, parent_id bigint, region_id bigint,
    district_id bigint, state_id bigint, calendar varchar
);
create temp table ref_school_day (calendar varchar, day date, kind varchar);
create temp table ref_period (
    period_id bigint, school_year integer, kind varchar, code varchar, starts_on date, ends_on date
);
create temp table ref_window_school (district varchar, school_year integer, window_code varchar, school varchar);
create temp table ref_survey_item (
    survey varchar, item varchar, topic varchar, reverse boolean, scale_max integer, favorable_from integer
);
create temp table ref_level (
    assessment varchar, from_year integer, to_year integer, level varchar, label varchar, rank integer,
    is_meeting boolean, is_on_grade_level boolean, is_scored boolean
);
