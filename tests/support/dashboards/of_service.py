"""The dashboard of the service: the workers' own metrics, by Prometheus."""

from typing import Final

from tests.support.dashboards.panels import LINES, STAT, Dashboard, Panel, PromQl


def _p95(histogram: str, label: str) -> PromQl:
    of = f"sum by (le, {label}) (rate({histogram}_bucket[5m]))"
    return PromQl(f"histogram_quantile(0.95, {of})", f"{{{{{label}}}}}")


SERVICE: Final = Dashboard(
    "peserta-service",
    "Peserta: service",
    "Whether the workers keep up, and what they wait for.",
    (
        Panel("Workers that answer", STAT, (PromQl('sum by (role) (up{job="peserta"})', "{{role}}"),), 8, 5),
        Panel(
            "Business date behind today",
            STAT,
            (PromQl("floor((vector(time()) + 25200) / 86400) - min(peserta_bookkeeper_business_date_days)", "days"),),
            8,
            5,
            "d",
            "Of the partition that is furthest behind; a book of history has its own dates.",
        ),
        Panel(
            "Firing alerts so far",
            STAT,
            (PromQl("sum by (status) (peserta_bookkeeper_alerts_total)", "{{status}}"),),
            8,
            5,
        ),
        Panel(
            "Records taken, a second",
            LINES,
            (
                PromQl("sum by (topic) (rate(peserta_lane_records_total[5m]))", "{{topic}}"),
                PromQl("sum by (topic) (rate(peserta_sink_records_total[5m]))", "sink: {{topic}}"),
            ),
        ),
        Panel(
            "Offsets still to process",
            LINES,
            (
                PromQl("sum by (topic) (peserta_lane_lag_offsets)", "{{topic}}"),
                PromQl("sum by (topic) (peserta_sink_lag_offsets)", "sink: {{topic}}"),
            ),
        ),
        Panel("Until a batch is durable (95 %)", LINES, (_p95("peserta_lane_commit_seconds", "topic"),), unit="s"),
        Panel("An insert into ClickHouse (95 %)", LINES, (_p95("peserta_sink_insert_seconds", "table"),), unit="s"),
        Panel(
            "Refused records, a second",
            LINES,
            (
                PromQl(
                    'sum by (disposition) (rate(peserta_recorder_records_total{disposition!="recorded"}[5m]))',
                    "{{disposition}}",
                ),
            ),
        ),
        Panel(
            "Retries of the sink, a second", LINES, (PromQl("sum(rate(peserta_sink_retries_total[5m]))", "retries"),)
        ),
        Panel(
            "Notices",
            LINES,
            (
                PromQl("sum by (state) (increase(peserta_notifier_notices_total[1h]))", "{{state}}, in an hour"),
                PromQl("max(peserta_notifier_waiting_notices)", "waiting"),
            ),
        ),
        Panel(
            "HTTP door: requests, a second",
            LINES,
            (PromQl("sum by (status) (rate(peserta_api_requests_total[5m]))", "{{status}}"),),
        ),
        Panel("Memory", LINES, (PromQl('process_resident_memory_bytes{job="peserta"}', "{{role}}"),), unit="bytes"),
        Panel("Rows of state", LINES, (PromQl("sum(peserta_bookkeeper_state_rows)", "rows"),)),
    ),
    period="now-6h",
)
