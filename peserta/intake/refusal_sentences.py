"""Why a fact was refused, in English and Indonesian: every reason of SEMANTICS 2, and the rules of the fields."""

from collections.abc import Mapping
from typing import Final

from peserta.intake.door import REASONS_OF_LINES, RECORDED_IN_FUTURE
from peserta.intake.sheets.sentences import OF_RULES, Language, Sentence
from schemas.admission import (
    BAD_MAGIC,
    DECODE_ERROR,
    EFFECTIVE_ON_OUT_OF_RANGE,
    INVALID_FIELD,
    KEY_MISMATCH,
    NATIONAL_ID,
    OVERSIZED,
    RECORD_BYTES_MAX,
    TYPE_NOT_ALLOWED,
    UNKNOWN_SCHEMA,
    Refusal,
    field_and_rule,
)
from schemas.vocabulary import ID_CONFLICT, TOO_MANY_FACTS
from streams.recorder import DEAD_LETTER

_OF_BOOK: Final[Mapping[str, str]] = {
    ID_CONFLICT.removeprefix(DEAD_LETTER): "the same event_id was recorded with other content. A file that is "
    "generated again must repeat all fields of the first one, occurred_at included. To change a fact, send a "
    "correction of the old event_id, and the right fact under a new one",
    TOO_MANY_FACTS.removeprefix(DEAD_LETTER): "the book has 1,000 facts of this worker, which is the limit",
}
_IN_INDONESIAN: Final[Mapping[str, str]] = {
    OVERSIZED: f"barisnya lebih dari {RECORD_BYTES_MAX} byte",
    BAD_MAGIC: "nilainya tidak dimulai dengan bingkai Confluent (satu byte nol dan nomor skema)",
    UNKNOWN_SCHEMA: "tidak ada skema fakta dengan nomor ini",
    DECODE_ERROR: "barisnya bukan objek JSON dalam UTF-8, atau memuat satu kunci dua kali",
    NATIONAL_ID: "worker_id berisi NIK (16 angka) atau nomor peserta (11 angka): kirim token sebagai gantinya",
    INVALID_FIELD: "ada kolom yang hilang, tidak dikenal, kosong, atau melanggar aturannya",
    KEY_MISMATCH: "kunci catatan bukan company_id-nya",
    TYPE_NOT_ALLOWED: "topik ini tidak boleh memuat jenis catatan itu",
    EFFECTIVE_ON_OUT_OF_RANGE: "effective_on sebelum 1 Januari 1970, atau lebih dari setahun setelah dicatat",
    RECORDED_IN_FUTURE: "recorded_at (atau occurred_at, jika recorded_at tidak ada) lebih dari saat ini, sehingga "
    "tanggal buku akan bergeser; perbaiki barisnya, atau tambahkan --allow-future jika memang disengaja",
    ID_CONFLICT.removeprefix(DEAD_LETTER): "event_id yang sama sudah dicatat dengan isi lain. Berkas yang dibuat ulang "
    "harus memuat semua kolom seperti yang pertama, termasuk occurred_at. Untuk mengubah fakta, kirim koreksi atas "
    "event_id lama, dan fakta yang benar dengan event_id baru",
    TOO_MANY_FACTS.removeprefix(DEAD_LETTER): "buku sudah memuat 1.000 fakta pekerja ini, dan itu batasnya",
}
# Reason -> what it means, without a full stop.
OF_REASONS: Final[Mapping[str, Sentence]] = {
    reason: Sentence(english, _IN_INDONESIAN[reason]) for reason, english in {**REASONS_OF_LINES, **_OF_BOOK}.items()
}
_RULES_OF_REASONS: Final[Mapping[str, str]] = {
    NATIONAL_ID: "harus token, bukan NIK (16 angka) atau nomor peserta (11 angka)",
    KEY_MISMATCH: "harus sama dengan kunci catatan",
    TYPE_NOT_ALLOWED: "harus salah satu yang boleh dimuat topik ini",
    EFFECTIVE_ON_OUT_OF_RANGE: "harus dari 1 Januari 1970 sampai 1 tahun setelah dicatat",
}
# A rule comes from the recorder in English: its Indonesian is found by its words.
_RULE_IN_INDONESIAN: Final[Mapping[str, str]] = {each.en: each.id for each in OF_RULES.values()} | {
    str(field_and_rule(reason, None)[1]): words for reason, words in _RULES_OF_REASONS.items()
}


def reason_words(reason: str, language: Language) -> str:
    """What a reason means, without a full stop."""
    return OF_REASONS[reason].in_words(language)


def rule_words(why: Refusal, language: Language) -> str | None:
    """The wrong field and what it must be; None without a field, or if the rule has no words in this language."""
    if why.field is None or why.rule is None:
        return None
    rule = why.rule if language == "en" else _RULE_IN_INDONESIAN.get(why.rule)
    return None if rule is None else f"{why.field} {rule}"
