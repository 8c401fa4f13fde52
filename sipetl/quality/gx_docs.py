"""Great Expectations' own pages and messages about our results: Data Docs, Slack, e-mail.

GX renders and sends; what it gets is `gx_result`, which holds no value. It takes seconds to import, so that only
who asks for its pages waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sipetl.quality.gx_types import quiet

_SITE = "sipetl"


def as_gx(result: Mapping[str, Any]) -> Any:
    """Turn what `gx_result` wrote into GX's `ExpectationSuiteValidationResult`."""
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    results = [
        ExpectationValidationResult(
            **{**one, "expectation_config": ExpectationConfiguration(**one["expectation_config"])}
        )
        for one in result["results"]
    ]
    return ExpectationSuiteValidationResult(**{**result, "results": results})


def publish_in_gx(
    results: Mapping[str, Mapping[str, Any]], folder: Path, *, at: datetime, actions: Sequence[Any] = ()
) -> Path:
    """Build GX's Data Docs for some results, and run checkpoint actions on them.

    Args:
        results: what `gx_result` wrote, by the name of the batch (a delivery's id).
        folder: where the pages go.
        at: the time of the run.
        actions: GX's own (`SlackNotificationAction`, `EmailAction`), as in a checkpoint.

    Returns:
        The index page.
    """
    with quiet():
        import great_expectations as gx
        from great_expectations.checkpoint.checkpoint import CheckpointResult
        from great_expectations.core import RunIdentifier

        context = gx.get_context(mode="ephemeral")
        _make_site(context, folder)
        run = RunIdentifier(run_name=_SITE, run_time=at.astimezone(UTC))
        found = {_key(name, result, run): _dated(as_gx(result), name, run) for name, result in results.items()}
        for key, result in found.items():
            context.validation_results_store.set(key, result)
            context.suites.add_or_update(_suite(result))
        context.build_data_docs(site_names=[_SITE])
        checkpoint = gx.Checkpoint.construct(name=_SITE, validation_definitions=[], actions=list(actions))
        told = CheckpointResult.construct(
            run_id=run,
            run_results=found,
            checkpoint_config=checkpoint,
            success=all(result.success for result in found.values()),
        )
        for action in actions:
            action.run(checkpoint_result=told)
    return folder / "index.html"


def _make_site(context: Any, folder: Path) -> None:
    for name in list(context.get_site_names()):
        context.delete_data_docs_site(name)
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())}
    site = {"class_name": "SiteBuilder", "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"}}
    context.add_data_docs_site(_SITE, {**site, "store_backend": store})


def _key(name: str, result: Mapping[str, Any], run: Any) -> Any:
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    return ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(name=result["suite_name"]),
        run_id=run,
        batch_identifier=name,
    )


def _dated(result: Any, name: str, run: Any) -> Any:
    result.meta |= {
        "run_id": run,
        "active_batch_definition": {"datasource_name": _SITE, "data_asset_name": name},
        "batch_spec": {},
        "batch_markers": {},
    }
    return result


def _suite(result: Any) -> Any:
    import great_expectations as gx

    configs = [one.expectation_config for one in result.results]
    return gx.ExpectationSuite(name=result.suite_name, expectations=[config.to_json_dict() for config in configs])
