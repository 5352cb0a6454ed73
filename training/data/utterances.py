"""Real utterances of the data folder as requests: most are what no function does, plain questions are searches.

Only sources whose licence lets a shipped model learn from them (CC BY, CC BY-SA, CC0, see the data folder's
README). One in ten, chosen by the hash of its text, is held out for evaluation.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from actions.catalogue import make_call
from training.data.requests import Example

SOURCES = {"slurp", "hwu64", "clinc150", "snips", "xsid", "ha-intents"}
# iot_coffee is left out: "make me a coffee" means a machine there, and a delivery here
UNSUPPORTED = re.compile(
    r"^(alarm|audio_volume|calendar|iot_(?!coffee)|hue_|music|play_|lists_remove|lists_query|transport_taxi|transport_ticket|email_query|email_addcontact|social_post"
    r"|general_joke|qa_maths|reminder|timer|play_music|next_song|change_|make_call|todo_list|smart_home|tell_joke|flip_coin|roll_dice|calculator"
    r"|cancel|transfer$|pay_bill|freeze_account|greeting|goodbye|thank_you|are_you_a_bot|how_old_are_you|translate|volume|whisper_mode"
    r"|uber|update_playlist|sync_device|reset_settings|pin_change|report_fraud|schedule_|meeting_schedule|book_|restaurant_reservation|spelling"
    r"|what_are_your_hobbies|what_is_your_name|where_are_you_from|who_do_you_work_for|who_made_you|meaning_of_life|do_you_have_pets|user_name"
    r"|AddToPlaylist|PlayMusic|BookRestaurant|RateBook|alarm/|Hass(?!ShoppingList|GetWeather|GetState|ListAdd|Respond|Nevermind|Broadcast))"
)
QUESTIONS = re.compile(
    r"^(qa_factoid|qa_definition|weather|GetWeather|cooking_recipe|recipe$|definition|fun_fact|qa_stock"
    r"|ingredient_substitution|travel_suggestion|vaccines|international_visa|plug_type|nutrition_info"
    r"|calories|exchange_rate|tire_change|jump_start|oil_change_how|cook_time|traffic|timezone)"
)
QUESTION_WORD = re.compile(
    r"^(what|what's|who|who's|whose|how|where|where's|when|when's|why|which|is|are|does|do|will|did|was)\b",
    re.IGNORECASE,
)
NOT_PLAIN = re.compile(
    r"\b(olly|siri|alexa|google|please|can you|could you|tell me|my|me|i|your|you|this|these|here)\b", re.IGNORECASE
)


def held_out(text: str) -> bool:
    """Whether a real utterance is kept for evaluation."""
    return zlib.crc32(text.strip().lower().encode()) % 10 == 0


def plain_sentences(data: Path) -> Iterator[Example]:
    """The parallel sentences (Tatoeba, CC BY 2.0), each by itself and without calls: they keep the language alive.
    None where the data folder has no such file."""
    if not (data / "parallel_en_zh.tsv").is_file():
        return
    with (data / "parallel_en_zh.tsv").open(encoding="utf-8") as lines:
        for line in lines:
            for text in line.rstrip("\n").split("\t")[:2]:
                if text:
                    yield Example(text, (), "language", "tatoeba")


def real_utterances(data: Path) -> Iterator[Example]:
    """Labelled real utterances, each text once."""
    seen: set[str] = set()
    with (data / "utterances.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            text = " ".join(row["text"].split())
            if row["source"] not in SOURCES or not text or text.lower() in seen:
                continue
            seen.add(text.lower())
            if UNSUPPORTED.match(row["intent"]):
                yield Example(text, (make_call("none", "unsupported"),), "none", row["source"])
            elif QUESTIONS.match(row["intent"]) and QUESTION_WORD.match(text) and not NOT_PLAIN.search(text):
                yield Example(text, (make_call("google_search", text.rstrip(".")),), "plain", row["source"])
