select
    student_group,
    label as student_group_label,
    family as student_group_family,
    sort
from ref.student_group
