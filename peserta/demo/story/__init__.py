"""The story of the demonstration: a dozen invented footwear companies of Central Java, October 2024 to December 2025.

Nothing here reads a clock, a file or the network but `write`; everything follows from a seed. Companies, people and
figures are invented, only the regencies exist. Each name has a word for "example", "invented" or "imaginary".

On 1 October 2024 each company reports the people it has. Then it lives: contracts end or become better ones, people
are enrolled weeks after their hire, many leave after Lebaran (31 March 2025), when nobody uploads for eleven days.
Three policies watch: `floor-60` (60 per cent covered), `jmo-30` (30 per cent with the app, from 1 June 2025) and
`pact-20pp` (20 points more than on 11 September 2025, from 1 October 2025, without those inside their grace period).

| company | archetype | what to look for |
|---|---|---|
| JT-0001-A, Jepara | keeper | the pact fires on 8 October and is met in November 2025; the app target for a while |
| JT-0001-B, Pati | double uploader | a wave in July 2025, the file of one day uploaded twice: no figure moves |
| JT-0002-A, Jepara | laggard | below the floor from the first alert to the last day; an event_id used twice |
| JT-0003-A, Brebes | seasonal | three waves of daily workers, three episodes of the floor; people who come back |
| JT-0004-A, Batang | JMO champion | 20 points more are impossible: met when all are covered, lost by one person |
| JT-0005-A, Pekalongan | late reporter | compare a past day as known then and as known now |
| JT-0006-A, Salatiga | small | three people, not evaluable; then a hall opens |
| JT-0007-A, Demak | dropper | cover withdrawn in August, given back in October: no rise over its declared baseline |
| JT-0008-A, Semarang | closing | everybody leaves: alerts end as not evaluable, coverage is null and not 0 |
| JT-0009-A, Kendal | keeper | a steady campaign; contracts that begin in January 2026 are known and not yet counted |
| JT-0010-A, Pemalang | shedder | meets the pact, hardly anybody gained cover: see left and gained_cover of 90 days |
| JT-0011-A, Boyolali | laggard | a wave without cover sinks it in August 2025; a late, small campaign is not enough |

What else is planted (corrections, terminations of nobody, conflicts, broken records) is listed in `Story.notes`.
"""

from peserta.demo.story.broken import BrokenRecord, KafkaRecord, Mutation, kafka_record
from peserta.demo.story.files import StoryFiles, story_texts, write
from peserta.demo.story.notes import Note, Planted
from peserta.demo.story.telling import DEFAULT_SEED, Story, story

__all__ = [
    "DEFAULT_SEED",
    "BrokenRecord",
    "KafkaRecord",
    "Mutation",
    "Note",
    "Planted",
    "Story",
    "StoryFiles",
    "kafka_record",
    "story",
    "story_texts",
    "write",
]
