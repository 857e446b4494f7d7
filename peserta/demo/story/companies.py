"""The companies of the story: a table of invented names in real regencies of Central Java."""

from datetime import date
from typing import Final

from peserta.demo.story.plan import (
    APP,
    BASELINE_ON,
    BASIC,
    Archetype,
    Baseline,
    Campaign,
    Company,
    Layoff,
    Wave,
    Withdrawal,
)
from peserta.operations.yaml_document import written

SPORTS, EVERYDAY, FIELD, OTHER = "15202", "15201", "15203", "15209"

# fmt: off
COMPANIES: Final = (
    Company(
        "JT-0001-A",
        "PT Sepatu Contoh Satu",
        "Jepara",
        SPORTS,
        Archetype.KEEPER,
        staff=520,
        covered_pct=58,
        app_pct=22,
        joiners_a_month=16,
        leavers_a_month_pct=3,
        enrolled_pct=62,
        source="sap-hcm",
        upload_hour=0,
        chapters=(
            Wave(
                date(2025, 1, 6), date(2025, 1, 31), 60, contract_days=70, enrolled_pct=55, enrolled_after_days=(5, 20)
            ),
            Campaign(date(2025, 6, 16), date(2025, 7, 25), 26, APP),
            Campaign(date(2025, 10, 6), date(2025, 11, 21), 85, BASIC),
        ),
    ),
    Company(
        "JT-0001-B",
        "PT Sepatu Contoh Satu, Divisi Pati",
        "Pati",
        SPORTS,
        Archetype.DOUBLE_UPLOADER,
        staff=260,
        covered_pct=66,
        app_pct=26,
        joiners_a_month=9,
        leavers_a_month_pct=3,
        enrolled_pct=70,
        source="sap-hcm",
        chapters=(
            Wave(date(2025, 7, 14), date(2025, 7, 16), 90, contract_days=110, enrolled_pct=80, recalled_pct=20),
            Campaign(date(2025, 10, 20), date(2025, 12, 5), 60, BASIC),
        ),
    ),
    Company(
        "JT-0002-A",
        "PT Alas Kaki Rekaan Jepara",
        "Jepara",
        EVERYDAY,
        Archetype.LAGGARD,
        staff=230,
        covered_pct=46,
        app_pct=14,
        joiners_a_month=8,
        leavers_a_month_pct=3,
        enrolled_pct=48,
        source="excel-import",
        reported_after_days=(0, 6),
    ),
    Company(
        "JT-0003-A",
        "PT Sandal Karangan Brebes",
        "Brebes",
        EVERYDAY,
        Archetype.SEASONAL,
        staff=180,
        covered_pct=84,
        app_pct=34,
        joiners_a_month=4,
        leavers_a_month_pct=2,
        enrolled_pct=85,
        source="excel-import",
        chapters=(
            Wave(date(2025, 1, 8), date(2025, 1, 22), 150, contract_days=62, enrolled_pct=92),
            Wave(date(2025, 7, 7), date(2025, 7, 26), 170, contract_days=95, enrolled_pct=92, recalled_pct=45),
            Wave(date(2025, 11, 3), date(2025, 11, 15), 110, contract_days=80, enrolled_pct=90, recalled_pct=60),
        ),
    ),
    Company(
        "JT-0004-A",
        "PT Langkah Fiktif Batang",
        "Batang",
        SPORTS,
        Archetype.JMO_CHAMPION,
        staff=310,
        covered_pct=95,
        app_pct=72,
        joiners_a_month=9,
        leavers_a_month_pct=2,
        enrolled_pct=98,
        enrolled_after_days=(1, 12),
        source="hris",
        chapters=(Campaign(date(2025, 10, 13), date(2025, 11, 14), 100, BASIC),),
    ),
    Company(
        "JT-0005-A",
        "PT Tapak Khayalan Pekalongan",
        "Pekalongan",
        EVERYDAY,
        Archetype.LATE_REPORTER,
        staff=200,
        covered_pct=68,
        app_pct=25,
        joiners_a_month=9,
        leavers_a_month_pct=3,
        enrolled_pct=72,
        reported_after_days=(21, 56),
        source="excel-import",
        upload_hour=20,
        chapters=(
            Wave(date(2025, 2, 3), date(2025, 2, 14), 60, contract_days=60, enrolled_pct=75),
            Campaign(date(2025, 9, 22), date(2025, 11, 7), 75, BASIC),
        ),
    ),
    Company(
        "JT-0006-A",
        "CV Sol Umpama Salatiga",
        "Salatiga",
        OTHER,
        Archetype.SMALL,
        staff=3,
        covered_pct=0,
        app_pct=30,
        joiners_a_month=0,
        leavers_a_month_pct=1,
        enrolled_pct=60,
        source="csv-upload",
        scales=False,
        chapters=(
            Wave(date(2025, 4, 14), date(2025, 4, 14), 9, "permanent", 400, 90, (3, 10)),
            Wave(date(2025, 5, 12), date(2025, 6, 27), 62, "fixed_term", 240, 70, (5, 45)),
            Campaign(date(2025, 11, 3), date(2025, 11, 28), 70, BASIC),
        ),
    ),
    Company(
        "JT-0007-A",
        "PT Sepatu Rekaan Demak",
        "Demak",
        EVERYDAY,
        Archetype.DROPPER,
        staff=240,
        covered_pct=82,
        app_pct=30,
        joiners_a_month=7,
        leavers_a_month_pct=2,
        enrolled_pct=80,
        source="payroll-batch",
        upload_hour=0,
        declared=Baseline(active=220, covered=180),
        chapters=(
            Withdrawal(date(2025, 8, 4), date(2025, 8, 29), 45, BASIC),
            Campaign(date(2025, 10, 13), date(2025, 11, 14), 55, BASIC),
        ),
    ),
    Company(
        "JT-0008-A",
        "PT Jahit Alas Fiktif Semarang",
        "Kota Semarang",
        FIELD,
        Archetype.CLOSING,
        staff=150,
        covered_pct=52,
        app_pct=18,
        joiners_a_month=0,
        leavers_a_month_pct=3,
        enrolled_pct=60,
        source="hris",
        chapters=(Layoff(date(2025, 9, 22), date(2025, 11, 14), 100),),
    ),
    Company(
        "JT-0009-A",
        "PT Kets Contoh Kendal",
        "Kendal",
        SPORTS,
        Archetype.KEEPER,
        staff=280,
        covered_pct=50,
        app_pct=24,
        joiners_a_month=12,
        leavers_a_month_pct=3,
        enrolled_pct=60,
        source="hris",
        chapters=(
            Wave(
                date(2025, 2, 10), date(2025, 2, 12), 40, "fixed_term", 180, 75, (5, 25), reported_on=date(2025, 1, 27)
            ),
            Campaign(date(2025, 8, 4), date(2025, 9, 5), 25, APP),
            Campaign(date(2025, 9, 22), date(2025, 12, 12), 90, BASIC),
            Wave(date(2026, 1, 5), date(2026, 1, 5), 24, "fixed_term", 180, 0, reported_on=date(2025, 12, 18)),
        ),
    ),
    Company(
        "JT-0010-A",
        "PT Tumit Khayalan Pemalang",
        "Pemalang",
        OTHER,
        Archetype.SHEDDER,
        staff=210,
        covered_pct=62,
        app_pct=20,
        joiners_a_month=5,
        leavers_a_month_pct=2,
        enrolled_pct=60,
        source="excel-import",
        chapters=(Layoff(date(2025, 10, 1), date(2025, 11, 28), 88, uncovered_only=True),),
    ),
    Company(
        "JT-0011-A",
        "PT Tali Sepatu Umpama Boyolali",
        "Boyolali",
        EVERYDAY,
        Archetype.LAGGARD,
        staff=290,
        covered_pct=70,
        app_pct=21,
        joiners_a_month=10,
        leavers_a_month_pct=3,
        enrolled_pct=68,
        source="payroll-batch",
        upload_hour=0,
        chapters=(
            Wave(date(2025, 8, 4), date(2025, 8, 23), 120, contract_days=160, enrolled_pct=40, recalled_pct=25),
            Campaign(date(2025, 11, 10), date(2025, 12, 19), 25, BASIC),
        ),
    ),
)
# fmt: on


def companies_yaml(scale: float) -> str:
    """The registry (SEMANTICS 6); declared baselines follow the scale of the headcounts."""
    entries = [registry_entry(company, scale) for company in COMPANIES]
    return written(entries)


def registry_entry(company: Company, scale: float) -> dict[str, object]:
    entry: dict[str, object] = {
        "company_id": company.company_id,
        "name": company.name,
        "kbli": company.kbli,
        "regency": company.regency,
    }
    if company.declared:
        active, covered = (round(n * scale) for n in (company.declared.active, company.declared.covered))
        entry["baselines"] = [{"date": BASELINE_ON, "active": active, "covered": covered}]
    return entry
