"""Recognising the device and the place in what somebody wrote."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.matching.slots import DeviceWords, Found, Place, PlaceWords, Slots

KNOWLEDGE = Path(__file__).parents[2] / "knowledge"

PLACES = PlaceWords(
    places=(
        Place(
            "eu", "the European Union", ("eea",), people=("european", "europeans"), also=("eu", "europe"), codes=("EU",)
        ),
        Place("eea", "the European Economic Area", codes=("EEA",)),
        Place("ca", "Canada", people=("canadian", "canadians"), cities=("toronto",), also=("ontario",)),
        Place(
            "de",
            "Germany",
            ("eu", "eea"),
            people=("german", "germans"),
            cities=("berlin", "münchen"),
            also=("deutschland",),
        ),
        Place("es", "Spain", ("eu", "eea"), people=("spanish",), cities=("madrid",)),
        Place("fr", "France", ("eu", "eea"), people=("french",), cities=("lyon", "paris")),
        Place(
            "gb",
            "the United Kingdom",
            people=("brit", "british"),
            cities=("london",),
            also=("uk", "england"),
            codes=("UK",),
        ),
        Place("ie", "Ireland", ("eu", "eea"), people=("irish",), cities=("dublin",)),
        Place("jo", "Jordan", cities=("amman",), careful=("jordan",)),
        Place("jp", "Japan", people=("japanese",), cities=("tokyo",)),
        Place("gr", "Greece", ("eu", "eea"), people=("greek",), cities=("athens",)),
        Place("ge", "Georgia (the country)", cities=("tbilisi",)),
        Place("tr", "Türkiye", people=("turkish",), also=("turkey",)),
        Place("us", "the United States", people=("american", "americans"), also=("usa", "the us"), codes=("US", "USA")),
        Place("us-ca", "California", ("us",), people=("californian",), cities=("san diego",)),
        Place("us-ga", "Georgia (USA)", ("us",), cities=("athens georgia",)),
        Place("us-me", "Maine", ("us",)),
        Place("us-or", "Oregon", ("us",), cities=("portland",)),
        Place("us-tx", "Texas", ("us",)),
    ),
    traps=("turkey sandwich", "my colleague jordan"),
)

DEVICES = DeviceWords(
    devices={
        "ios": ("iphone", "ipad", "ios", "iphone app"),
        "android": ("android", "samsung", "pixel", "huawei"),
        "desktop": ("pc", "mac", "laptop", "samsung laptop", "windows", "computer", "chromebook"),
        "mobile-web": ("phone browser",),
    },
    browsers=("browser", "safari", "chrome", "firefox"),
    phones=("phone", "tablet"),
    makers=("samsung", "huawei"),
    trades=("developer", "engineer", "recruiter", "repair"),
    traps=("chrome bumpers", "pixel art", "windows of opportunity"),
)


@pytest.fixture(scope="module")
def slots() -> Slots:
    return Slots(PLACES, DEVICES)


@pytest.fixture(scope="module")
def real() -> Slots:
    """Return the recogniser with the words of the knowledge base."""
    if not (KNOWLEDGE / "places.yaml").is_file() or not (KNOWLEDGE / "devices.yaml").is_file():
        pytest.skip("no knowledge base here")
    places: dict[str, Any] = yaml.safe_load((KNOWLEDGE / "places.yaml").read_text("utf-8"))
    devices: dict[str, Any] = yaml.safe_load((KNOWLEDGE / "devices.yaml").read_text("utf-8"))

    def words(of: dict[str, Any], key: str) -> tuple[str, ...]:
        return tuple(of.get(key, ()))

    return Slots(
        PlaceWords(
            tuple(
                Place(
                    code,
                    of["name"],
                    *(words(of, key) for key in ("in", "people", "cities", "also", "codes", "careful")),
                )
                for code, of in places["places"].items()
            ),
            tuple(places["traps"]),
        ),
        DeviceWords(
            {code: tuple(of["words"]) for code, of in devices["devices"].items()},
            *(words(devices, key) for key in ("browsers", "phones", "makers", "trades", "traps")),
        ),
    )


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("how on my iPhone15?", "ios"),
        ("brit with a samsung", "android"),
        ("steps for a samsung laptop", "desktop"),
        ("safari on my mac", "desktop"),
        ("I'm on my iPhone but in Safari, not the app", "mobile-web"),
        ("chrome on android", "mobile-web"),
        ("phone browser only", "mobile-web"),
        ("safari is useless, where is it in the iphone app", "ios"),
        ("I switched from an iPhone to a Pixel", "android"),
        ("no pc, only an ipad", "ios"),
        ("it's off on my laptop, how do i see it on my ipad", "ios"),
        ("I can see it on my laptop but not on my iphone", "ios"),
    ],
)
def test_a_named_device_is_recognised(slots: Slots, text: str, device: str) -> None:
    """The device in use is named by its kind, brand or browser."""
    assert slots.find(text).device == device


@pytest.mark.parametrize(
    "text",
    [
        "how do i do it on my phone",
        "where in the app",
        "I only have a tablet",
        "which browser do you advise",
        "I restore chrome bumpers",
        "i post pixel art",
        "I work at Samsung",
        "a Huawei recruiter wrote to me",
        "I am an android developer",
        "I repair iphone screens",
        "my post about my iphone",
        "does a computer read my letters",
    ],
)
def test_other_talk_names_no_device(slots: Slots, text: str) -> None:
    """Unspecific words, employers, trades and subjects are no device."""
    assert slots.find(text).device is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("I live in Lyon but my company is American", "fr"),
        ("moved from Spain to Germany", "de"),
        ("I'm German, living in Japan", "jp"),
        ("brit with a samsung", "gb"),
        ("Is the UK included?", "gb"),
        ("does this apply to canada", "ca"),
        ("are Germans affected", "de"),
        ("London, Ontario", "ca"),
        ("Lyon, France", "fr"),
        ("athens, georgia", "us-ga"),
        ("athens here, anything for me?", "gr"),
        ("paris, texas", "us-tx"),
        ("Portland, ME. Any law?", "us-me"),
        ("I'm in the US, San Diego to be exact", "us-ca"),
        ("I'm in the EU. Is Germany any different?", "de"),
        ("The boss of our Madrid branch says no. I live in Muenchen or MÜNCHEN.", "de"),
        ("We are a German company", "de"),
        ("I'm on holiday in Spain but I live in Dublin", "ie"),
        ("I live in Jordan", "jo"),
        ("U.S. member, no toggle", "us"),
    ],
)
def test_the_place_is_where_the_person_is_or_asks_about(slots: Slots, text: str, place: str) -> None:
    """Of several places the one where the person is counts; a place asked about counts too."""
    assert slots.find(text).place == place


@pytest.mark.parametrize(
    "text",
    [
        "what did the Irish DPC say",
        "my company is American",
        "a friend in Canada told me",
        "what is it called in Spanish",
        "my menu is in German",
        "a turkey sandwich",
        "my colleague jordan says so",
        "jordan says so",
        "tell us more",
        "PLEASE TELL US MORE ABOUT IT",
        "is my data sent to the US",
        "I'm not in the EU",
        "I used to live in Spain",
        "I'm in Georgia",
        "I wrote a post about Japan",
        "the video is 3 GB",
    ],
)
def test_other_talk_names_no_place(slots: Slots, text: str) -> None:
    """Other people's places, languages, authorities, subjects and doubtful words are no place."""
    assert slots.find(text).place is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("how do I turn it off on my iPhone in Germany?", "how do I turn it off?"),
        ("Is the UK included?", "Is included?"),
        ("nothing to see here", "nothing to see here"),
        ("", ""),
    ],
)
def test_rest_is_the_text_without_what_was_recognised(slots: Slots, text: str, rest: str) -> None:
    """The rest leaves out the recognised words, and keeps everything else."""
    assert slots.find(text).rest == rest


def test_the_start_of_a_long_text_decides_and_its_end_is_kept(slots: Slots) -> None:
    """What stands behind the first 4,000 characters is not read, but stays in the rest."""
    text = "word " * 1000 + "I live in Japan"
    assert slots.find(text) == Found(None, None, text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "in " * 33_333,
        "I live in the UK " * 6000,
        "a.b." * 25_000,
        "my company in " * 7000,
        "'" * 100_000,
        "on my iphone, " * 7000,
        "uk , " * 20_000,
        "uk" + ", " * 1900 + "us or eu",
        "\U0001f1e9\U0001f1ea" * 20_000,
        "\U00020000" * 20_000,
    ],
    ids=["letters", "in", "places", "dots", "companies", "apostrophes", "devices", "list", "commas", "flags", "rare"],
)
def test_hostile_text_takes_bounded_time(slots: Slots, text: str) -> None:
    """A hundred thousand characters of any kind are answered in well under a second."""
    begin = time.perf_counter()
    slots.find(text)
    assert time.perf_counter() - begin < 0.5


def test_the_golden_slots_are_recognised(real: Slots) -> None:
    """At least 95 of 100 golden messages are recognised wholly: device and place, or their absence."""
    path = KNOWLEDGE / "questions" / "slots.yaml"
    if not path.is_file():
        pytest.skip("no golden slots here")
    golden = yaml.safe_load(path.read_text("utf-8"))["slots"]
    wrong = [
        g["text"]
        for g in golden
        if (f := real.find(g["text"])) and (f.device, f.place) != (g.get("device"), g.get("place"))
    ]
    assert len(wrong) <= len(golden) * 0.05, wrong


def test_every_word_of_the_knowledge_base_finds_its_own_place(real: Slots) -> None:
    """A city, a name or a short form alone leads to its own place."""
    places = yaml.safe_load((KNOWLEDGE / "places.yaml").read_text("utf-8"))["places"]
    wrong = {
        word: real.find(f"I live in {word}").place
        for code, of in places.items()
        for word in (*of.get("cities", ()), *of.get("also", ()), *of.get("codes", ()), *of.get("careful", ()))
        if real.find(f"I live in {word}").place != code
    }
    assert not wrong


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("nothern ireland", "gb"),
        ("northen ireland", "gb"),
        ("n ireland", "gb"),
        ("im in n. ireland, is it on", "gb"),
        ("southern ireland", "ie"),
        ("n. korea", "kp"),
        ("is porto rico included", "pr"),
        ("porto", "pt"),
        ("netherlands antilles", None),
    ],
)
def test_a_place_is_not_taken_for_one_whose_name_it_contains(real: Slots, text: str, place: str | None) -> None:
    """Northern Ireland, misspelt or shortened, is not Ireland, and Puerto Rico is not in Portugal."""
    assert real.find(text).place == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("vancouver wa", "us-wa"),
        ("i live in vancouver wa, is it on", "us-wa"),
        ("ontario california", "us-ca"),
        ("i am in cambridge, ma. is it on?", "us-ma"),
        ("Cambridge, MA 02139", "us-ma"),
        ("manchester nh, is it on?", "us-nh"),
        ("birmingham al", "us-al"),
        ("durham nc", "us-nc"),
        ("oxford mississippi", "us-ms"),
        ("rome, georgia", "us-ga"),
        ("tbilisi, georgia", "ge"),
        ("naples fl", "us-fl"),
        ("naples florida", "us-fl"),
        ("dublin ohio", "us-oh"),
        ("vienna virginia", "us-va"),
        ("vienna west virginia", "us-wv"),
        ("paris texas", "us-tx"),
        ("Moscow, ID", "us-id"),
        ("london, on", "ca"),
        ("london ontario", "ca"),
    ],
)
def test_the_state_behind_a_city_decides(real: Slots, text: str, place: str) -> None:
    """A city abroad with a US state or a Canadian province behind it lies there."""
    assert real.find(text).place == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("i live in paris or london", "fr"),
        ("rome me and my wife", "it"),
        ("i am in cork in ireland", "ie"),
        ("paris, hi there", "fr"),
        ("in london, ok?", "gb"),
        ("In London, OK?", "gb"),
        ("I LIVE IN LONDON, OR NEAR IT", "gb"),
        ("milan la scala", "it"),
        ("berlin de", "de"),
        ("Berlin, DE", "de"),
        ("Toronto, CA", "ca"),
        ("i'm in berlin, co worker here", "de"),
        ("london, id like to know", "gb"),
        ("i'm from lima, oh and i use android", "pe"),
        ("london, so what", "gb"),
        ("i live in dublin, as a freelancer", "ie"),
        ("in paris, ma phone is old", "fr"),
        ("london, is it on", "gb"),
        ("i live in london, on my own", "gb"),
    ],
)
def test_an_english_word_behind_a_city_is_no_state(real: Slots, text: str, place: str) -> None:
    """Two letters that are a word, or the city's own country, leave the city where it is."""
    assert real.find(text).place == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("we're not in canada", None),
        ("not uk", None),
        ("i'm no longer in germany, where do i complain", None),
        ("not germany, ghana", "gh"),
        ("not in germany, in ghana", "gh"),
        ("i don't live in the us", None),
        ("i'm not in the us", None),
        ("i'm not in california, where do i complain", None),
        ("uk, not eu", "gb"),
        ("why is it not in canada", "ca"),
        ("not sure, germany", "de"),
    ],
)
def test_a_place_that_is_denied_is_none(real: Slots, text: str, place: str | None) -> None:
    """Where somebody is not or no longer, no place is named; why something is not there asks about it."""
    assert real.find(text).place == place


@pytest.mark.parametrize(
    "text",
    [
        "UK, EU, US - which countries is it on by default",
        "canada, mexico, brazil",
        "is it different in uk and ireland",
        "hongkong or macau?",
        "in us or eu?",
        "same in uk and us?",
        "germany and switzerland?",
        "germany / switzerland",
        "germany vs switzerland",
        "london, new york, paris",
        "hong kong and china",
    ],
)
def test_a_list_of_places_names_none_of_them(real: Slots, text: str) -> None:
    """Places side by side, of which none is the person's own, are no single place."""
    assert real.find(text).place is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("i'm in spain, are canada and mexico in?", "es"),
        ("i live in germany and switzerland", "de"),
        ("munich, germany", "de"),
        ("lyon and france", "fr"),
        ("EU and Germany", "de"),
        ("can you help us and canada", "ca"),
        ("is the uk in the eu", "gb"),
        ("Hong Kong, China", "hk"),
        ("puerto rico, usa", "pr"),
        ("Texas, Florida and New York rules", "us"),
        ("Europe and Canada are both in. Canada is my concern", "ca"),
        ("indian in dubai", "ae"),
    ],
)
def test_several_places_can_still_name_one(real: Slots, text: str, place: str) -> None:
    """The person's own place wins over a list, and places that lie in one another are one."""
    assert real.find(text).place == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("kosovo", "xk"),
        ("madeira", "pt"),
        ("my madeira cake", None),
        ("ceuta", "es"),
        ("tibet", "cn"),
        ("alderney", "gg"),
        ("PEI", "ca"),
        ("\U0001f1e9\U0001f1ea", "de"),
        ("I'm in \U0001f1eb\U0001f1f7", "fr"),
        ("\U0001f1fd\U0001f1fd \U0001f389", None),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "gb"),
        ("ny", "us-ny"),
        ("TX", "us-tx"),
        ("i live in tx", "us-tx"),
        ("TX, is it on?", "us-tx"),
        ("ny here", "us-ny"),
        ("thanks tx", None),
        ("ok", None),
        ("georgia", None),
    ],
)
def test_a_place_alone_is_recognised(real: Slots, text: str, place: str | None) -> None:
    """A message that is only a place, a flag or a state's letters names it, unless it could be two places."""
    assert real.find(text).place == place


@pytest.mark.parametrize(
    ("text", "device", "rest"),
    [
        ("iPhone 15 pro max", "ios", ""),
        ("samsung galaxy s24 ultra", "android", ""),
        ("firefox", "desktop", ""),
        ("on firefox", "desktop", ""),
        ("firefox on my phone", "mobile-web", ""),
        ("safari", None, "safari"),
        ("which browser", None, "which browser"),
    ],
)
def test_a_device_alone_is_recognised_wholly(real: Slots, text: str, device: str | None, rest: str) -> None:
    """The model belongs to the device, and a browser alone is one on a computer."""
    found = real.find(text)
    assert (found.device, found.rest) == (device, rest)
