"""Names of columns and words in cells, in Indonesian and English: a table of column names, and a table of words.

`docs/sheets.md` and `docs/sheets.id.md` have the same lists; a test compares them.
"""

from collections.abc import Mapping
from typing import Final

from schemas.vocabulary import ACTIONS, EMPLOYMENT_TYPES, KINDS, PROGRAMMES, TERMINATION_REASONS

_IGNORED: Final = str.maketrans("", "", " \t\r\n\N{NO-BREAK SPACE}_-.")

# Fields that identify a person, in order of preference if a sheet has several.
PERSON_FIELDS: Final = ("worker_id", "nik", "kpj", "employee")

# For a fact without a column `effective_on`: the column that dates a fact of this type.
DATED_BY: Final = {"hire": "started_on", "termination": "ended_on", "enrollment": "enrolled_on"}

FACT_FIELDS: Final = (
    *PERSON_FIELDS, "type", "event_id", "company_id", "effective_on", "started_on", "ended_on", "enrolled_on",
    "occurred_at", "source", "employment_type", "reason", "action", "programmes", *PROGRAMMES, "corrects",
)  # fmt: skip
ROSTER_FIELDS: Final = (*PERSON_FIELDS, "company_id", "employment_type", "programmes", *PROGRAMMES, "started_on")

DATE_FIELDS: Final = frozenset(("effective_on", "started_on", "ended_on", "enrolled_on"))

# Field -> names that its column may have.
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "worker_id": ("worker_id", "token", "token pekerja"),
    "nik": (
        "NIK", "NIK KTP", "No NIK", "Nomor NIK", "No KTP", "Nomor KTP", "KTP", "No Induk Kependudukan",
        "Nomor Induk Kependudukan", "National ID", "National ID Number",
    ),
    "kpj": (
        "KPJ", "No KPJ", "Nomor KPJ", "No Peserta", "Nomor Peserta", "No Kepesertaan", "Nomor Kepesertaan", "No BPJSTK",
        "No BPJS TK", "No BPJS Ketenagakerjaan", "Nomor BPJS Ketenagakerjaan", "No Kartu Peserta", "Participant Number",
    ),
    "employee": (
        "NIP", "NRP", "No Pegawai", "Nomor Pegawai", "ID Pegawai", "No Karyawan", "Nomor Karyawan", "ID Karyawan",
        "No Induk Karyawan", "Nomor Induk Karyawan", "No Induk Pegawai", "Nomor Induk Pegawai", "Kode Karyawan",
        "Employee ID", "Employee No", "Employee Number", "Employee Code", "Employee",
    ),
    "company_id": ("company_id", "NPP", "No NPP", "Nomor NPP", "Kode Perusahaan", "Company Code"),
    "type": ("type", "Fact Type", "Jenis", "Jenis Fakta", "Jenis Mutasi", "Mutasi", "Jenis Peristiwa", "Event Type"),
    "event_id": ("event_id", "ID Peristiwa"),
    "effective_on": (
        "effective_on", "Effective Date", "Tanggal", "Tgl", "Date", "Tanggal Efektif", "Tgl Efektif",
        "Tanggal Berlaku", "Tgl Berlaku", "Berlaku Sejak", "TMT", "Tanggal Mutasi", "Tgl Mutasi",
    ),
    "started_on": (
        "started_on", "Start Date", "Join Date", "Hire Date", "Tanggal Mulai Bekerja", "Tgl Mulai Bekerja",
        "Tanggal Mulai Kerja", "Tgl Mulai Kerja", "Tanggal Masuk", "Tgl Masuk", "Tanggal Masuk Kerja",
        "Tgl Masuk Kerja", "Tanggal Bergabung", "Tgl Bergabung",
    ),
    "ended_on": (
        "ended_on", "End Date", "Exit Date", "Resign Date", "Termination Date", "Tanggal Keluar", "Tgl Keluar",
        "Tanggal Berhenti", "Tgl Berhenti", "Tanggal Resign", "Tgl Resign",
    ),
    "enrolled_on": (
        "enrolled_on", "Enrollment Date", "Tanggal Kepesertaan", "Tgl Kepesertaan", "Tanggal Terdaftar",
        "Tgl Terdaftar",
    ),
    "occurred_at": ("occurred_at", "Dicatat Pada", "Waktu Catat"),
    "source": ("source", "Sumber"),
    "employment_type": (
        "employment_type", "Employment Status", "Contract Type", "Status Kerja", "Status Karyawan", "Status Pegawai",
        "Status Pekerja", "Status Hubungan Kerja", "Hubungan Kerja", "Jenis Hubungan Kerja", "Jenis Kontrak",
        "Tipe Karyawan",
    ),
    "reason": ("reason", "Termination Reason", "Alasan", "Alasan Keluar", "Alasan Berhenti", "Sebab Keluar"),
    "action": ("action", "Tindakan", "Aksi"),
    "programmes": ("programmes", "programme", "programs", "program", "Program BPJS", "Program Diikuti"),
    **{name: (name, f"Program {name}", f"Ikut {name}", f"Iuran {name}") for name in PROGRAMMES},
    "corrects": ("corrects", "Mengoreksi", "Koreksi Atas"),
}  # fmt: skip


def _each_itself(values: tuple[str, ...], more: dict[str, tuple[str, ...]]) -> Mapping[str, str]:
    """Normalised word -> value."""
    return {normalised(word): value for value in values for word in (value, *more.get(value, ()))}


def normalised(text: str) -> str:
    """A name or word in the form used for comparison: case, blanks, `_`, `-` and `.` do not count."""
    return text.casefold().translate(_IGNORED)


# Field -> words that its cells may have, each with its value.
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "type": _each_itself(
        KINDS,
        {
            "hire": ("masuk", "baru", "karyawan baru", "pekerja baru", "tenaga kerja baru", "hired", "new"),
            "termination": ("keluar", "berhenti", "resign", "PHK", "terminated"),
            "enrollment": ("kepesertaan", "pendaftaran", "enrolment"),
            "correction": ("koreksi", "pembetulan"),
        },
    ),
    "employment_type": _each_itself(
        EMPLOYMENT_TYPES,
        {
            "permanent": ("tetap", "karyawan tetap", "PKWTT"),
            "fixed_term": ("kontrak", "karyawan kontrak", "PKWT", "contract"),
            "daily": ("harian", "harian lepas", "buruh harian lepas", "BHL", "PHL"),
            "outsourced": ("outsourcing", "outsource", "alih daya"),
            "unspecified": ("tidak disebutkan",),
        },
    ),
    "reason": _each_itself(
        TERMINATION_REASONS,
        {
            "resigned": ("resign", "mengundurkan diri", "undur diri"),
            "dismissed": ("PHK", "diberhentikan"),
            "contract_ended": ("kontrak habis", "habis kontrak", "kontrak berakhir", "selesai kontrak"),
            "retired": ("pensiun",),
            "deceased": ("meninggal", "meninggal dunia", "wafat"),
            "other": ("lain", "lainnya", "lain-lain"),
            "unspecified": ("tidak disebutkan",),
        },
    ),
    "action": _each_itself(
        ACTIONS,
        {"enrolled": ("terdaftar", "daftar", "didaftarkan", "aktif"), "withdrawn": ("keluar", "berhenti", "nonaktif")},
    ),
}

YES: Final = frozenset(
    map(normalised, ("y", "ya", "yes", "x", "v", "√", "✓", "✔", "1", "true", "aktif", "ikut", "ada"))
)
NO: Final = frozenset(
    map(normalised, ("", "t", "tidak", "n", "no", "0", "false", "nonaktif", "tidak aktif", "tidak ikut", "belum"))
)

FIELD_OF: Final[Mapping[str, str]] = {normalised(name): field for field, names in SYNONYMS.items() for name in names}
"""Normalised name of a column -> its field."""

TOTAL_WORDS: Final = ("total", "grand total", "sub total", "jumlah", "jml", "jumlah total")
