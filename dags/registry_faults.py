"""No DAG: this file fails to import while the registry is broken, so that Airflow shows the faults above its DAGs.

The DAGs themselves read the registry in brief, as it was when it was right.
"""

from __future__ import annotations

from sipetl_dags import HOME

from sipetl.errors import RegistryError
from sipetl.registry.compact import refreshed

faults = refreshed(HOME).faults
if faults:
    raise RegistryError("the registry is broken (DAGs keep their last good state): " + "\n".join(faults))
