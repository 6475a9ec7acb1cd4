"""A network's sizes as a document for programs: integers plain, shares as fractions, memory in bytes."""

from math import prod
from typing import Any

from cnncli.console.sizing import Sheet
from cnncli.sizing.explain import explain
from cnncli.sizing.inputs import nearest_fit
from cnncli.sizing.report import CONVENTION, Report, Row
from cnncli.sizing.roofline import floor, roofline
from cnncli.sizing.workload import Cost, Workload, cost


def document(report: Report, how: Sheet) -> dict[str, Any]:
    """`cnncli.size/1`."""
    totals: dict[str, Any] = {
        "params": report.totals.params,
        "stats": report.totals.stats,
        "macs": report.totals.macs,
        "connections": report.totals.connections,
        "weight_layers": report.weight_layers,
    }
    if report.has_heads:
        totals |= {"params_with_heads": report.totals.params_with_heads}
        totals |= {"stats_with_heads": report.totals.stats_with_heads}
    network = report.network
    fitting = nearest_fit(network) if report.unfit else network.input[:2]
    return {
        "schema": "cnncli.size/1",
        "network": network.name,
        "input": list(network.input),
        "output": list(report.output),
        "paper": network.paper,
        "year": network.year or None,
        "table": network.table,
        "variant": network.variant,
        "top5_error": round(network.top5_error / 100, 6) or None,
        "rows": [_row(row, how) for row in how.rows(report)],
        "totals": totals,
        "receptive_field": [axis.size for axis in report.field] if report.field else None,
        "jump": [axis.jump for axis in report.field] if report.field else None,
        "fits": not report.unfit,
        "nearest_input_that_fits": list(fitting) if fitting else None,
        "input_bytes": prod(network.input) * how.load.images * how.load.bytes,
        "cost": _cost_document(cost(report, how.load), how.load),
        "roofline": _roofline_document(report, how),
        "convention": CONVENTION,
    }


def _row(row: Row, how: Sheet) -> dict[str, Any]:
    windows, least = row.windows, floor(row, how.load, how.peak) if how.peak else None
    entry: dict[str, Any] = {
        "path": row.path,
        "layer": row.word,
        "kind": row.kind or None,
        "window": list(windows.window) if windows else None,
        "stride": list(windows.stride) if windows else None,
        "padding": list(windows.padding) if windows else None,
        "groups": row.groups,
        "input": list(row.input),
        "output": list(row.output),
        "params": row.params,
        "stats": row.stats,
        "macs": row.macs,
        "connections": row.connections,
        "receptive_field": [axis.size for axis in row.field] if row.field else None,
        "jump": [axis.jump for axis in row.field] if row.field else None,
        "dropped": [windows.rows.dropped, windows.columns.dropped] if windows else None,
        "added": [windows.rows.added, windows.columns.added] if windows else None,
        "activation_bytes": row.activations * how.load.images * how.load.bytes,
        "head": row.head,
    }
    if how.explain:
        entry["explain"] = [
            {"what": step.what, "formula": step.formula, "note": step.note or None} for step in explain(row, how.load)
        ]
    if least:
        entry["floor"] = {"flops": least.flops, "bytes": least.bytes, "seconds": least.seconds, "bound": least.bound}
    return entry


def _cost_document(one: Cost, load: Workload) -> dict[str, Any]:
    return {
        "batch": load.batch,
        "dtype": load.dtype,
        "optimizer": load.optimizer,
        "devices": load.devices,
        "params_bytes": one.params,
        "stats_bytes": one.stats,
        "gradients_bytes": one.gradients,
        "optimizer_bytes": one.optimizer,
        "activations_bytes": one.activations,
        "training_bytes": one.training,
        "inference_bytes": one.inference,
        "forward_flops": one.forward_flops,
        "training_flops": one.training_flops,
    }


def _roofline_document(report: Report, how: Sheet) -> dict[str, Any] | None:
    if how.peak is None:
        return None
    found = roofline(report, how.load, how.peak)
    return {
        "peak_flops": found.peak.flops,
        "bytes_per_second": found.peak.bytes,
        "source": found.peak.source or None,
        "seconds": found.seconds,
        "fused_seconds": found.fused,
        "images_per_second": found.rate(found.seconds),
        "fused_images_per_second": found.rate(found.fused),
    }
