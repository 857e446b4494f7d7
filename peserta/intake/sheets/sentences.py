"""All messages about sheets, in English and Indonesian, in one table.

The message of a refusal says what is wrong and then what to do. No message has a place for the content of a cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from schemas.admission import FIELD_RULES
from schemas.vocabulary import ACTIONS, EMPLOYMENT_TYPES, KINDS, PROGRAMMES, TERMINATION_REASONS

Language = Literal["id", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("id", "en")


class Sentence(NamedTuple):
    """One sentence in both languages, with places in braces."""

    en: str
    id: str

    def in_words(self, language: Language) -> str:
        """The sentence in this language."""
        return self.id if language == "id" else self.en


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark: a key of SENTENCES and the values for its places. No value is the content of a cell, except header
    words that `cells.shown` has made safe."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def sentence(self, language: Language) -> str:
        """The remark in words."""
        filled = {name: _filled(value, language) for name, value in self.values.items()}
        return SENTENCES[self.key].in_words(language).format_map(filled)


def _filled(value: object, language: Language) -> str:
    if isinstance(value, Remark):
        return value.sentence(language)
    if isinstance(value, int):
        return f"{value:,}".replace(",", "." if language == "id" else ",")
    return str(value)


# Reasons for which a row is refused.
OF_ROWS: Final[Mapping[str, Sentence]] = {
    "missing": Sentence(
        "The cell is empty. Fill it in, or delete the row if it is about nobody.",
        "Sel ini kosong. Isilah, atau hapus barisnya jika bukan tentang pekerja.",
    ),
    "missing_field": Sentence(
        "The row says nothing of {field}. Add a column for it, or a constant in a mapping file.",
        "Baris ini tidak memuat {field}. Tambahkan kolomnya, atau konstanta di berkas pemetaan.",
    ),
    "invalid_nik": Sentence(
        "This is no NIK: 16 digits, with the date of birth in digits 7 to 12. Compare with the identity card. If NIK "
        "is the company's own number here, map the column to `employee`.",
        "Ini bukan NIK: 16 angka, dengan tanggal lahir pada angka ke-7 sampai ke-12. Cocokkan dengan KTP. Jika NIK di "
        "sini nomor induk karyawan, petakan kolomnya ke `employee`.",
    ),
    "invalid_kpj": Sentence(
        "This is no KPJ: 11 digits. Compare with the participant's card.",
        "Ini bukan KPJ: 11 angka. Cocokkan dengan kartu peserta.",
    ),
    "invalid_employee": Sentence(
        "This is no employee number: 1 to 256 characters.", "Ini bukan nomor karyawan: 1 sampai 256 karakter."
    ),
    "employee_without_company": Sentence(
        "It is not known whose employee number this is. Say the company in a column, or by --company.",
        "Nomor karyawan ini milik perusahaan mana tidak diketahui. Isi kolom perusahaan, atau pakai --company.",
    ),
    "rounded_number": Sentence(
        "The cell is a number of more than 15 digits, and a spreadsheet has lost its last ones. Format the column as "
        "text and enter the number again from the source.",
        "Sel ini bertipe angka dengan lebih dari 15 digit, dan digit terakhirnya sudah hilang. Format kolomnya sebagai "
        "teks, lalu isi lagi dari sumbernya.",
    ),
    "worker_twice": Sentence("This worker has several rows. Keep one.", "Pekerja ini muncul berulang. Sisakan satu."),
    "lost_zeros": Sentence(
        "The cell is a number, and has lost its leading zeros. Format the column as text and enter it again.",
        "Sel ini bertipe angka, dan nol di depannya sudah hilang. Format kolomnya sebagai teks, lalu isi lagi.",
    ),
    "national_id": Sentence(
        "The column is for tokens, and this is a NIK or KPJ. Name the column NIK or KPJ, and give a token key.",
        "Kolom ini untuk token, tetapi isinya NIK atau KPJ. Beri nama kolom NIK atau KPJ, dan sertakan kunci token.",
    ),
    "formula_without_value": Sentence(
        "The cell has a formula whose result was not saved. Open the file in the spreadsheet program, and "
        "save it again.",
        "Sel ini berisi rumus yang hasilnya tidak tersimpan. Buka berkas di program lembar kerja, lalu simpan lagi.",
    ),
    "error_value": Sentence(
        "The cell shows an error of the spreadsheet (#N/A, #REF! or the like). Mend its formula.",
        "Sel ini menampilkan galat (#N/A, #REF! atau sejenisnya). Perbaiki rumusnya.",
    ),
    "merged_cell": Sentence(
        "The cell belongs to a merged area, whose content stands in another row or column. Unmerge it, and fill in "
        "each cell.",
        "Sel ini bagian dari sel gabungan yang isinya ada di baris atau kolom lain. Pisahkan, lalu isi tiap sel.",
    ),
    "invalid_date": Sentence(
        "This is no date. Write YYYY-MM-DD, DD-MM-YYYY or DD/MM/YYYY, or format the cell as a date.",
        "Ini bukan tanggal. Tulis TTTT-BB-HH, HH-BB-TTTT atau HH/BB/TTTT, atau format sel sebagai tanggal.",
    ),
    "invalid_instant": Sentence(
        "This is no time from 2000 to 2199 with an offset, such as 2025-10-01T09:00:00+07:00.",
        "Ini bukan waktu dari 2000 sampai 2199 dengan zona, misalnya 2025-10-01T09:00:00+07:00.",
    ),
    "unknown_word": Sentence(
        "This word is not known here. Write one of {known}, or say in a mapping file what it means.",
        "Kata ini tidak dikenal. Tulis salah satu dari {known}, atau jelaskan artinya di berkas pemetaan.",
    ),
    "no_yes_or_no": Sentence(
        "This says neither yes nor no. Write Y or T, or an amount that was paid.",
        "Ini bukan ya atau tidak. Tulis Y atau T, atau jumlah iurannya.",
    ),
    "no_text_in_cell": Sentence(
        "The cell is neither text nor a whole number. Format it as text and enter it again.",
        "Sel ini bukan teks dan bukan bilangan bulat. Format sebagai teks, lalu isi lagi.",
    ),
    "other_company": Sentence(
        "The row is about another company than the one asked for. Take it out, or import without --company.",
        "Baris ini tentang perusahaan lain. Keluarkan, atau impor tanpa --company.",
    ),
    "invalid_field": Sentence(
        "The value keeps not to its rule: {field} {rule}.", "Nilainya melanggar aturan: {field} {rule}."
    ),
    "effective_on_out_of_range": Sentence(
        "The date lies before 1970, or more than a year ahead. Mend it.",
        "Tanggalnya sebelum 1970, atau lebih dari setahun ke depan. Perbaiki.",
    ),
    "personal_number": Sentence(
        "The cell holds a NIK or KPJ, and its content would be published. Put something else there.",
        "Sel ini berisi NIK atau KPJ, dan isinya akan ikut terbit. Ganti dengan yang lain.",
    ),
}

# Why a whole file is refused.
OF_FILES: Final[Mapping[str, Sentence]] = {
    "no_file": Sentence("{file} cannot be read: {why}.", "{file} tidak dapat dibaca: {why}."),
    "file_too_large": Sentence(
        "The file has more than {most} MiB. Divide it.", "Berkas lebih dari {most} MiB. Bagilah."
    ),
    "unpacks_too_large": Sentence(
        "The file would unpack to more than {most} MiB. Save the one sheet as a file of its own.",
        "Berkas ini akan mengembang lebih dari {most} MiB. Simpan satu lembar saja sebagai berkas sendiri.",
    ),
    "too_many_rows": Sentence(
        "The sheet has more than {most} rows. Divide it.", "Lembar lebih dari {most} baris. Bagilah."
    ),
    "too_many_columns": Sentence(
        "The sheet has more than {most} columns (row {row}). Delete those that are not needed.",
        "Lembar lebih dari {most} kolom (baris {row}). Hapus yang tidak perlu.",
    ),
    "too_many_cells": Sentence(
        "The sheet has more than {most} cells. Divide it.", "Lembar lebih dari {most} sel. Bagilah."
    ),
    "too_many_flaws": Sentence(
        "More than {most} cells are merged, errors, or formulas without results. Open the file in the spreadsheet "
        "program, mend it and save it again.",
        "Lebih dari {most} sel tergabung, galat, atau rumus tanpa hasil. Buka di program lembar kerja, perbaiki, lalu "
        "simpan lagi.",
    ),
    "cell_too_long": Sentence(
        "A cell in row {row} has more than {most} characters.", "Satu sel di baris {row} lebih dari {most} karakter."
    ),
    "no_text": Sentence(
        "The file is neither XLSX nor CSV in UTF-8, UTF-16 or Windows-1252. Save it as one of these.",
        "Berkas ini bukan XLSX dan bukan CSV dalam UTF-8, UTF-16 atau Windows-1252. Simpan sebagai salah satunya.",
    ),
    "wrong_quotes": Sentence(
        "The quotes in row {row} of the CSV file are not closed, or text follows them. Mend the row.",
        "Tanda kutip di baris {row} berkas CSV tidak ditutup, atau diikuti teks. Perbaiki barisnya.",
    ),
    "damaged": Sentence(
        "The workbook is damaged or no XLSX. Open it in the spreadsheet program, and save it as XLSX.",
        "Buku kerja ini rusak atau bukan XLSX. Buka di program lembar kerja, lalu simpan sebagai XLSX.",
    ),
    "protected": Sentence(
        "The workbook has a password. Save it without one.", "Buku kerja ini berkata sandi. Simpan tanpa kata sandi."
    ),
    "old_or_protected": Sentence(
        "The workbook is an old XLS file, or has a password. Save it as XLSX without a password.",
        "Buku kerja ini berkas XLS lama, atau berkata sandi. Simpan sebagai XLSX tanpa kata sandi.",
    ),
    "csv_has_no_sheets": Sentence(
        "A CSV file has no sheets: leave --sheet out.", "Berkas CSV tidak punya lembar: hilangkan --sheet."
    ),
    "no_such_sheet": Sentence(
        "There is no sheet {sheet}. There are: {known}.", "Tidak ada lembar {sheet}. Yang ada: {known}."
    ),
    "no_header": Sentence(
        "No header was found in the first {rows} rows. Name the columns as the documentation lists them, or map them "
        "with --mapping FILE.",
        "Judul kolom tidak ditemukan di {rows} baris pertama. Namai kolom seperti di dokumentasi, atau petakan dengan "
        "--mapping FILE.",
    ),
    "no_person_column": Sentence(
        "No column says who somebody is (NIK, KPJ, employee number or token). Understood were: {known}. Add it, or map "
        "it with --mapping FILE.",
        "Tidak ada kolom identitas orang (NIK, KPJ, nomor karyawan atau token). Yang dikenali: {known}. Tambahkan, "
        "atau petakan dengan --mapping FILE.",
    ),
    "two_columns": Sentence(
        "Two columns can be {field}: {columns}. Say which in a mapping file.",
        "Dua kolom bisa berarti {field}: {columns}. Tentukan salah satu di berkas pemetaan.",
    ),
    "no_such_column": Sentence(
        "The mapping names a column for {field} that is not there, or is there twice: {column}.",
        "Pemetaan menyebut kolom untuk {field} yang tidak ada, atau ada dua kali: {column}.",
    ),
    "wrong_mapping": Sentence(
        "The mapping file {file}: {where}{what}. Nothing was read.",
        "Berkas pemetaan {file}: {where}{what}. Tidak ada yang dibaca.",
    ),
    "wrong_constant": Sentence(
        "The constant for {field} in the mapping file is wrong. {why}",
        "Konstanta untuk {field} di berkas pemetaan salah. {why}",
    ),
    "no_key": Sentence(
        "The sheet names people by {field}, and a token key is needed: --token-key FILE, or PESERTA_TOKEN_KEY_FILE. "
        "`peserta token new-key FILE` makes one.",
        "Lembar ini menyebut orang dengan {field}, sehingga perlu kunci token: --token-key FILE, atau "
        "PESERTA_TOKEN_KEY_FILE. `peserta token new-key FILE` membuatnya.",
    ),
    "no_company": Sentence(
        "Employee numbers are a company's own, and no column names it: say --company COMPANY_ID.",
        "Nomor karyawan berlaku per perusahaan, dan tidak ada kolomnya: pakai --company COMPANY_ID.",
    ),
    "no_type": Sentence(
        "Nothing says what kind of fact a row is. Add a column `type` (hire, termination, enrollment, correction), or "
        "`constants: {{type: hire}}` in a mapping file.",
        "Jenis fakta tiap baris tidak diketahui. Tambahkan kolom `Jenis` (masuk, keluar, kepesertaan, koreksi), atau "
        "`constants: {{type: hire}}` di berkas pemetaan.",
    ),
    "company_unknown": Sentence(
        "Nothing says which company it is. Add a column NPP, or say --company COMPANY_ID.",
        "Perusahaannya tidak diketahui. Tambahkan kolom NPP, atau pakai --company COMPANY_ID.",
    ),
}

# Further remarks in the preview.
OF_PREVIEWS: Final[Mapping[str, Sentence]] = {
    "csv_read_as": Sentence(
        "Read as CSV: {encoding}, columns by {delimiter}.", "Dibaca sebagai CSV: {encoding}, pemisah {delimiter}."
    ),
    "other_sheets": Sentence(
        "Read is the sheet {sheet}; not read: {others}.", "Yang dibaca lembar {sheet}; tidak dibaca: {others}."
    ),
    "merged_areas": Sentence("Merged areas: {count}.", "Area sel gabungan: {count}."),
    "hidden_rows": Sentence(
        "Rows that are hidden or filtered out: {count}. They were read like all others.",
        "Baris tersembunyi atau tersaring: {count}. Semuanya tetap dibaca.",
    ),
    "dates_both_ways": Sentence(
        "Every date in column {column} ({words}) can be read both ways, and is read day first: 01/02 is 1 February.",
        "Semua tanggal di kolom {column} ({words}) dapat dibaca dua cara, dan dibaca hari dulu: 01/02 adalah 1 "
        "Februari.",
    ),
    "dates_mixed": Sentence(
        "Column {column} ({words}) has real dates and texts. A program may have exchanged day and month: compare.",
        "Kolom {column} ({words}) berisi tanggal asli dan teks. Hari dan bulan mungkin tertukar: periksa.",
    ),
    "cells_not_used": Sentence(
        "Rows of type {type} in which column {column} ({words}) is filled and not used: {count}. A row is one fact.",
        "Di {count} baris berjenis {type}, kolom {column} ({words}) terisi tetapi tidak dipakai: satu baris, satu "
        "fakta.",
    ),
    "repeated_rows": Sentence(
        "Rows that repeat an earlier row, and count once: {count}.",
        "{count} baris mengulang baris sebelumnya, dan dihitung sekali.",
    ),
    "conflicting_rows": Sentence(
        "Rows with the event_id of an earlier row and other content: {count}. The book will refuse them.",
        "{count} baris memakai event_id baris sebelumnya dengan isi lain: buku akan menolaknya.",
    ),
    "number_cells": Sentence(
        "Column {column} ({words}) has cells of type number: leading zeros, if there were any, are not seen.",
        "Kolom {column} ({words}) berisi sel bertipe angka: nol di depan, jika ada, tidak terlihat.",
    ),
}

# Words of the annotated copy, and where a row is wrong.
OF_RESULTS: Final[Mapping[str, Sentence]] = {
    "row_refused": Sentence("Row {row}: {why}", "Baris {row}: {why}"),
    "cell_refused": Sentence(
        "Row {row}, column {column} ({words}): {why}", "Baris {row}, kolom {column} ({words}): {why}"
    ),
    "result": Sentence("result", "hasil"),
    "reason": Sentence("reason", "alasan"),
    "read": Sentence("read", "dibaca"),
    "refused": Sentence("refused", "ditolak"),
    "passed_over": Sentence("passed over", "dilewati"),
    "title": Sentence("title", "judul"),
    "header": Sentence("header", "judul kolom"),
    "blank": Sentence("blank", "kosong"),
    "total": Sentence("total", "total"),
}

_EVENT_ID: Final = "harus 1 sampai 64 dari A-Z a-z 0-9 . _ : -"
_WORD: Final = "harus teks 1 sampai 64 karakter tanpa spasi"
_INSTANT: Final = "harus waktu dari 2000 sampai 2199"
_RULES_IN_INDONESIAN: Final[Mapping[str, str]] = {
    "type": f"harus salah satu dari {', '.join(KINDS)}",
    "event_id": _EVENT_ID,
    "company_id": _WORD,
    "worker_id": _WORD,
    "effective_on": "harus tanggal",
    "occurred_at": _INSTANT,
    "source": "harus teks 1 sampai 64 karakter",
    "employment_type": f"harus salah satu dari {', '.join(EMPLOYMENT_TYPES)}",
    "reason": f"harus salah satu dari {', '.join(TERMINATION_REASONS)}",
    "action": f"harus salah satu dari {', '.join(ACTIONS)}",
    "programmes": f"harus daftar berisi sedikitnya satu dari {', '.join(PROGRAMMES)}",
    "corrects": _EVENT_ID,
    "recorded_at": _INSTANT,
}
RULE: Final = "rule_"  # and the name of a field: the key of its rule
# What a field must be, in words that follow its name.
OF_RULES: Final[Mapping[str, Sentence]] = {
    f"{RULE}{name}": Sentence(FIELD_RULES[name], words) for name, words in _RULES_IN_INDONESIAN.items()
}

SENTENCES: Final[Mapping[str, Sentence]] = {**OF_RULES, **OF_ROWS, **OF_FILES, **OF_PREVIEWS, **OF_RESULTS}
