"""What `peserta roster` says, in the two languages of the officers who use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from peserta.intake.lines_sent import Fate
from peserta.intake.rosters.comparison import ChangeKind


@dataclass(frozen=True, slots=True)
class RosterWords:
    """Sentences with their numbers in braces."""

    rows: str
    programmes: str
    comparing: str
    publishing: str
    heading: str
    unchanged: str
    changes: tuple[str, str]
    of_change: Mapping[ChangeKind, str]
    leavers: str
    more_leavers: str
    not_ended: str
    no_type_column: str
    unrecorded: str
    no_later_moment: str
    unconfirmed: str
    other_number: str
    nothing: str
    preview: str
    not_published: str
    fates: tuple[str, str]
    of_fate: Mapping[Fate, str]
    refused: str
    complete: str
    complete_but_refused: str
    incomplete: str
    not_yet_known: str
    stopped: str
    interrupted: str
    not_followed: str

    def preview_of(self, count: int, *, is_whole: bool) -> str:
        """The last sentence of a preview of so many facts."""
        return self.preview.format(count=count) if is_whole else self.not_published


ENGLISH: Final = RosterWords(
    rows="{file}: {read} rows read, {refused} refused, {passed} passed over (blank, title, total).",
    programmes="Programmes that the file tells of: {programmes}.",
    comparing="comparing with the book",
    publishing="publishing",
    heading="{company} at the end of {day}: {inside} inside in the book, {rows} in the file.",
    unchanged="{rows} of them are in the book as the file says.",
    changes=("what the roster changes", "facts"),
    of_change={
        ChangeKind.HIRED: "hired",
        ChangeKind.TYPE_CHANGED: "employment type changed",
        ChangeKind.ENROLLED: "enrolled in programmes",
        ChangeKind.WITHDRAWN: "withdrawn from programmes",
        ChangeKind.ENDED: "ended, because they are not in the file",
    },
    leavers="To be ended ({count}), by token:",
    more_leavers="... and {count} more; --json names all of them",
    not_ended="{count} workers are inside and not in the file. They are not ended, because a refused row may mean "
    "them.",
    no_type_column="The file does not say the employment type: {count} workers whose type is known become "
    "`unspecified`.",
    unrecorded="{count} records that were published before are not in the book yet: the comparison does not know them.",
    no_later_moment="A fact of {token} has the last `occurred_at` that there is, at the end of 2199, so no fact of a "
    "roster can follow it. Send a correction of it, and the true facts of {token}, with `peserta publish`: then the "
    "roster has nothing to change there. Nothing was published.",
    unconfirmed="{leavers} of the {inside} workers inside would be ended. That is more than 5 and more than 10 %, so "
    "nothing is published. Is the sheet filtered or cut off? If it is whole, say --confirm-leavers {leavers}.",
    other_number="--confirm-leavers says {confirmed}, and {leavers} workers would be ended. Nothing is published.",
    nothing="The book has everything that the roster says: there is nothing to publish.",
    preview="Nothing was published. The same command with --apply publishes {count} facts.",
    not_published="Nothing is published.",
    fates=("what became of the facts", "facts"),
    of_fate={
        Fate.APPLIED: "applied",
        Fate.NO_EFFECT: "no effect",
        Fate.DUPLICATE: "known already (duplicate)",
        Fate.SENT: "not yet recorded",
        Fate.RECORDED: "recorded, not yet in the book",
    },
    refused="refused",
    complete="The book is now as the roster says.",
    complete_but_refused="The book is now as the rows that were read say. The refused rows are not in it.",
    incomplete="The book is not as the roster says: {count} facts were refused.",
    not_yet_known="Of some facts it is not yet known what becomes of them. They are safe in Kafka, and come into the "
    "book once recorder and book-keeper get to them: `peserta health` says whether they work.",
    stopped="Kafka has stopped taking facts after {sent} of {count}. The same command again publishes the rest.",
    interrupted="Interrupted: {sent} of {count} facts were acknowledged. The same command again publishes the rest.",
    not_followed="All facts were acknowledged, and not all were followed: {why}",
)

INDONESIAN: Final = RosterWords(
    rows="{file}: {read} baris dibaca, {refused} ditolak, {passed} dilewati (kosong, judul, jumlah).",
    programmes="Program yang disebut berkas: {programmes}.",
    comparing="membandingkan dengan buku",
    publishing="mengirim",
    heading="{company} pada akhir {day}: {inside} orang bekerja menurut buku, {rows} menurut berkas.",
    unchanged="{rows} di antaranya sudah sama di buku.",
    changes=("yang diubah oleh daftar ini", "fakta"),
    of_change={
        ChangeKind.HIRED: "masuk bekerja",
        ChangeKind.TYPE_CHANGED: "status kerja berubah",
        ChangeKind.ENROLLED: "didaftarkan ke program",
        ChangeKind.WITHDRAWN: "dikeluarkan dari program",
        ChangeKind.ENDED: "diakhiri, karena tidak ada di berkas",
    },
    leavers="Akan diakhiri ({count}), menurut token:",
    more_leavers="... dan {count} lagi; --json menyebut semuanya",
    not_ended="{count} orang bekerja menurut buku dan tidak ada di berkas. Mereka tidak diakhiri, karena baris yang "
    "ditolak mungkin milik mereka.",
    no_type_column="Berkas tidak menyebut status kerja: {count} orang yang statusnya diketahui menjadi `unspecified`.",
    unrecorded="{count} catatan yang sudah dikirim belum masuk buku, jadi belum ikut dibandingkan.",
    no_later_moment="Satu fakta {token} memakai `occurred_at` terakhir yang ada, di akhir tahun 2199, sehingga fakta "
    "dari daftar tidak bisa menyusulnya. Kirim koreksinya dan fakta {token} yang benar dengan `peserta publish`: "
    "setelah itu daftar tidak perlu mengubahnya. Tidak ada yang dikirim.",
    unconfirmed="{leavers} dari {inside} orang akan diakhiri. Itu lebih dari 5 dan lebih dari 10 %, jadi tidak ada "
    "yang dikirim. Apakah lembar itu tersaring atau terpotong? Jika lengkap, tulis --confirm-leavers {leavers}.",
    other_number="--confirm-leavers menyebut {confirmed}, padahal {leavers} orang akan diakhiri. Tidak ada yang "
    "dikirim.",
    nothing="Buku sudah memuat semua isi daftar: tidak ada yang perlu dikirim.",
    preview="Belum ada yang dikirim. Perintah yang sama dengan --apply mengirim {count} fakta.",
    not_published="Tidak ada yang dikirim.",
    fates=("hasil pengiriman", "fakta"),
    of_fate={
        Fate.APPLIED: "diterapkan",
        Fate.NO_EFFECT: "tanpa pengaruh",
        Fate.DUPLICATE: "sudah dikenal (duplikat)",
        Fate.SENT: "belum dicatat",
        Fate.RECORDED: "dicatat, belum masuk buku",
    },
    refused="ditolak",
    complete="Buku sekarang sama dengan daftar.",
    complete_but_refused="Buku sekarang sama dengan baris yang dibaca. Baris yang ditolak tidak ada di dalamnya.",
    incomplete="Buku belum sama dengan daftar: {count} fakta ditolak.",
    not_yet_known="Nasib sebagian fakta belum diketahui. Fakta itu aman di Kafka, dan masuk buku begitu pencatat dan "
    "pemegang buku sampai padanya: `peserta health` menunjukkan apakah keduanya bekerja.",
    stopped="Kafka berhenti menerima setelah {sent} dari {count} fakta. Perintah yang sama sekali lagi mengirim "
    "sisanya.",
    interrupted="Terhenti: {sent} dari {count} fakta sudah diterima. Perintah yang sama sekali lagi mengirim sisanya.",
    not_followed="Semua fakta sudah diterima, tetapi tidak semua dapat diikuti: {why}",
)

WORDS: Final[Mapping[str, RosterWords]] = {"en": ENGLISH, "id": INDONESIAN}
