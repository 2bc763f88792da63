"""Find the device that somebody uses, and the place where they are, in what they wrote."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["DeviceWords", "Found", "Place", "PlaceWords", "Slots"]

_READ_CHARACTERS = 4000
"""What stands behind this is not read; chat messages are shorter (Telegram: 4,096 characters)."""

_MOST_MENTIONS = 24
"""Each mention costs a look at its context; a text with more is a list, not a person telling where they are."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place and the words for it; `wider` are the places whose rules apply too, narrowest first."""

    code: str
    name: str
    wider: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    careful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """All places, and the phrases in which a place word names no place."""

    places: tuple[Place, ...]
    traps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceWords:
    """The words of each device, and those that need company or mislead."""

    devices: Mapping[str, tuple[str, ...]]
    browsers: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a text names; `rest` is the text without the words that named it."""

    device: str | None
    place: str | None
    rest: str


class Slots:
    """Recognise devices and places by curated words and the words around them."""

    def __init__(self, places: PlaceWords, devices: DeviceWords) -> None:
        self._places = _Places(places)
        self._devices = _Devices(devices)

    def find(self, text: str) -> Found:
        """Return the device and the place of `text`, each None when it names none.

        Only the first 4,000 characters are read, so the time is bounded for any text.
        """
        head = _Text(text[:_READ_CHARACTERS])
        device, device_spans = self._devices.find(head)
        device_spans = [(first, _model_end(head, last)) for first, last in device_spans]
        place, place_spans = self._places.find(head)
        rest = head.without(device_spans + place_spans) + text[_READ_CHARACTERS:]
        return Found(device, place, rest)


# --- words --------------------------------------------------------------------------------------------------------

_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "æ": "ae", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "œ": "oe", "’": "'", "`": "'"}
)
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}|\U0001f3f4[\U000e0061-\U000e007a]+\U000e007f"  # the second of Scotland and the like
_TOKEN = re.compile(rf"[^\W\d_](?:\.[^\W\d_])+\b\.?|[^\W_]+(?:['’`][^\W_]+)*|{_FLAG}|[.!?;:,()\n]")
_IS_FLAG = re.compile(_FLAG)
_COMPASS = frozenset("nsew")
_POSSESSIVE = re.compile(r"^(?!(?:it|he|she|that|what|where|who|there|here|let)')(..+)'s$")
_LONGEST_WORD = 24

_Span = tuple[int, int]
Value = TypeVar("Value")


def _plain(word: str) -> str:
    folded = word.casefold().translate(_PLAIN)
    if not folded.isascii():
        folded = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return _POSSESSIVE.sub(r"\1", folded)


class _Text:
    """The words of a text, without case and accents, and where sentences and clauses end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[str] = []
        self.spans: list[_Span] = []
        self.comma: set[int] = set()  # indices of words that follow a comma or a bracket
        self.stop: set[int] = set()  # indices of words that begin a sentence
        for match in _TOKEN.finditer(text):
            word = match[0]
            if word in ",()":
                self.comma.add(len(self.words))
            elif len(word) == 1 and not word.isalnum():
                ends = match.end() == len(text) or text[match.end()].isspace()  # no stop in "linkedin.com"
                if word == "\n" or (ends and not self._shortens(word, match.start())):
                    self.stop.add(len(self.words))
            else:
                self.words.append(_plain(word.replace(".", "")))
                self.spans.append(match.span())
        self.shouted = len(self.words) > 3 and text.upper() == text

    def _shortens(self, mark: str, position: int) -> bool:
        """Tell whether a dot belongs to a point of the compass: "N. Ireland" is no two sentences."""
        return bool(mark == "." and self.words and self.words[-1] in _COMPASS and self.spans[-1][1] == position)

    def ends(self, index: int) -> bool:
        """Tell whether a clause ends before the word at `index`."""
        return index >= len(self.words) or index in self.stop or index in self.comma

    def raw(self, index: int) -> str:
        """Return a word as it was typed."""
        start, end = self.spans[index]
        return self.text[start:end]

    def left(self, index: int, most: int = 8) -> str:
        """Return the words before `index` within its sentence, for patterns that end there."""
        start = index
        while start > 0 and index - start < most and start not in self.stop:
            start -= 1
        return self._joined(start, index) + (" , " if index in self.comma and index > start else " ")

    def right(self, index: int, most: int = 4) -> str:
        """Return the words from `index` on within its sentence, for patterns that begin there."""
        end = index
        while end < len(self.words) and end - index < most and end not in self.stop:
            end += 1
        return (", " if index in self.comma else "") + self._joined(index, end)

    def _joined(self, start: int, end: int) -> str:
        words: list[str] = []
        for index in range(start, end):
            if index in self.comma and index > start:
                words.append(",")
            words.append(self.words[index][:_LONGEST_WORD])
        return " ".join(words)

    def without(self, mentions: Iterable[_Span]) -> str:
        """Return the text without these stretches of words and the small words that lead to them."""
        kept: list[str] = []
        position = 0
        clauses = self.stop | self.comma
        for named, last in sorted(mentions):
            first = named
            while first > 0 and first not in clauses and self.words[first - 1] in _LEADING:
                first -= 1
            start, end = self.spans[first][0], self.spans[last - 1][1]
            if start >= position:
                kept.append(self.text[position:start].rstrip(" "))
            position = max(position, end)
        kept.append(self.text[position:])
        return "".join(kept).strip() if position else self.text


_LEADING = frozenset(
    ("on", "in", "from", "with", "using", "via", "at", "through", "my", "the", "a", "an", "our", "within", "inside")
)


class _Phrases(Generic[Value]):
    """Many phrases, looked up by their words: the longest at each place of a text."""

    def __init__(self, phrases: Iterable[tuple[str, Value]]) -> None:
        self._values: dict[tuple[str, ...], Value] = {}
        self._longest: dict[str, int] = {}
        for phrase, value in phrases:
            words = tuple(_Text(phrase).words)
            if words:
                self._values.setdefault(words, value)
                self._longest[words[0]] = max(len(words), self._longest.get(words[0], 0))

    def find(self, text: _Text, words: Sequence[str]) -> list[tuple[int, int, Value]]:
        """Return first word, word behind the last and value of each phrase found; none crosses a sentence."""
        found: list[tuple[int, int, Value]] = []
        index = 0
        while index < len(words):
            longest = self._longest.get(words[index], 0)
            end = index + 1
            while end < len(words) and end - index < longest and end not in text.stop:
                end += 1
            for stop in range(end if longest else index, index, -1):
                value = self._values.get(tuple(words[index:stop]))
                if value is not None:
                    found.append((index, stop, value))
                    index = stop
                    break
            else:
                index += 1
        return found


def _untrapped(text: _Text, traps: _Phrases[bool]) -> list[str]:
    words = list(text.words)
    for first, last, _ in traps.find(text, words):
        words[first:last] = [""] * (last - first)
    return words


def _any_of(words: Iterable[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")"


# --- places -------------------------------------------------------------------------------------------------------

# How much a mention tells about where the person is. Zero: nothing at all.
_LIVES = 100
_IS_IN = 95
_COMES_FROM = 70
_WORKS = 65
_ACCOUNT = 60
_BEGINS_WITH_IT = 89
_SAYS_PLACE = 50
_ASKS_FOR_PEOPLE = 45
_IS_ONE_OF_THEM = 47
_WILL_MOVE = 30
_TRAVELS = 25
_SPEAKS_OF_LAW = 20

_THE = (
    r"(?:(?:the|a|an|sunny|rainy|rural|lovely|beautiful|north|south|east|west|northern|southern|eastern|western|central|mainland"
    r"|old|greater|downtown|near|around|city|town|state|province|of|both|either|region|capital) )*$"
)
_I_AM = r"(?:\bi'm|\bim|\bi am|\bi m|\bwe're|\bwe are|\bam)"

_PEOPLE = (
    r"(?:friends?|mates?|sisters?|brothers?|cousins?|uncle|aunt|mother|father|mum|mom|dad|parents|grandmother|grandfather|grandma"
    r"|grandpa|nephew|niece|sons?|daughters?|kids?|husband|wife|girlfriend|boyfriend|ex|partner|boss|bosses|manager|colleagues?"
    r"|co ?workers?|teammates?|clients?|customers?|recruiters?|contacts?|connections?|neighbou?rs?|lawyers?|relatives?|family|someone"
    r"|somebody|guy|landlord|flatmate|roommate|student of mine|hr|developers|engineers|contractors|suppliers?)"
)
_BODIES = (
    r"(?:company|companies|employers?|firms?|corporations?|corp|business|businesses|startups?|start ups?|agency|agencies|offices?|branch"
    r"|branches|headquarters|hq|teams?|subsidiary|parent|servers?|data ?cent(?:er|re)s?|cloud|courts?|judges?|regulators?|authority|authorities"
    r"|watchdogs?|universit(?:y|ies)|organi[sz]ations?|conference|investors?|department)"
)
_OTHERS = re.compile(
    rf"\b(?:{_PEOPLE}|{_BODIES})(?: (?:who|that|which|is|are|was|has|sits?|now|over|back|out|lives?|living|works?|working|based|located|still"
    rf"|currently|headquartered|registered|moved|all|both|there|here|mostly))* (?:in|from|at|of|to|is|are) {_THE}"
)
_OUR_BODY = re.compile(
    rf"\bour (?:\w+ )?(?:company|firm|business|startup|agency|office|team|organi[sz]ation) (?:\w+ )?(?:\w+ )?in {_THE}"
)
_OWN_BODY = re.compile(
    rf"(?:{_I_AM}|\bi work\w*|\bi run|\bi own|\bi manage|\bi lead|\bwe run|\bworking|\bi have|\bi started|\bemployed) (?:\w+ ){{0,5}}?"
    rf"{_BODIES} (?:here |based |located )?in {_THE}"
)
_THIRD = re.compile(
    rf"\b(?:(?:he|she|who|they|he's|she's|they're)(?: \w+)?(?: \w+)? (?:in|from|to)"
    rf"|(?:linkedin|microsoft|google|openai|meta|it)(?: is| are| was)?(?: \w+)? (?:based|located|registered|headquartered|incorporated) in) {_THE}"
)
_ELSEWHERE = re.compile(
    r"(?:\bused to (?:live|be|work|reside|study)(?: \w+)? (?:in|at)|\b(?:no longer|not|n't|dont|don't|never|neither)(?: been| live[sd]?| living"
    r"| reside| based| located| a resident| resident| even| actually| really| currently){1,3} (?:in|from|of|to)"
    rf"|(?:{_I_AM})(?: \w+)? not(?: \w+)? (?:in|from|of)|\bno longer (?:in|from|of)"
    # "Why is it not in Canada" asks about Canada.
    r"|(?<!\bwhy )(?<!\bit )(?<!\bthey )\bnot(?: in| from)?(?= (?:the )?$)"
    r"|\b(?:formerly|previously|originally|born|raised|grew up|grown up|studied|lived|worked|childhood|graduated)(?: and raised)? (?:in|from|of)|\b(?:expats?|immigrants?|emigrants?|refugees?) from"
    r"|\b(?:outside|non|unlike|except|except for|other than|besides|leaving|left|leaves?|quit|fled|than)(?: of)?"
    r"|\b(?:mov|relocat|came|come|coming|emigrat|immigrat|switch|chang|transferr|return)\w*(?: \w+){0,3} from"
    r"|\b(?:until|till|before|years ago|last year)(?: \w+){0,2} in) " + _THE
)
_MOVED_TO = re.compile(
    r"\b(?:moved|relocated|emigrated|immigrated|expatriated|came|transferred myself|settled|returned|went)(?: \w+){0,6}? (?:to|in|into) "
    + _THE
)
_WILL_GO = re.compile(
    r"\b(?:moving|relocating|emigrating|move|relocate|emigrate|going|returning)(?: \w+){0,3} to " + _THE
)
_FLOWS = re.compile(
    r"\b(?:(?:send|sends|sending|sent|sell|sells|selling|ship|ships|shipping|shipped|transfer\w*|export\w*|travel|travels|travelling)(?: \w+){0,5} to"
    r"|(?:sends?|sent|sending|transfer\w*|export\w*|goes|go|shipped|ships|flows?|stored?|storing|hosted|host|processed|saved|kept|land|lands|leaks?"
    r"|leaks|sold|handed|given|leaves?)(?: \w+){0,2} (?:to|in|at|from|into|by)) " + _THE
)
_SUBJECT = re.compile(
    r"\b(?:posts?|posted|posting|wrote|write|writing|writes|articles?|blog|blogs|talks?|talked|talking|comments?|commented|book|books|essay|research"
    r"|learn|learning|read|reading|news|newsletter|story|stories|love|documentary|history|report|politics|opinion)(?: \w+)? (?:about|on|of|regarding) "
    + _THE
)
_PICTURES = re.compile(
    r"\b(?:photos?|pictures?|pics?|videos?|images?|selfies?|postcards?|trip|trips|holiday|vacation|journey|flight|tour|visit|wine|recipes?|ticket|tickets"
    r"|map|embassy|ambassador|consulate|war|import|imports|products?|goods)(?: \w+)?(?: \w+)? (?:of|from|in|to|for) "
    + _THE
)
_TRAVEL = re.compile(
    rf"(?:{_I_AM}|\bwhile|\bcurrently)(?: \w+){{0,2}} (?:on (?:a )?(?:holiday|holidays|vacation|business trip|trip|leave)|visiting|travell?ing"
    rf"|touring|backpacking|passing through|at a conference)(?: \w+)?(?: (?:in|to|at|through|around))? {_THE}"
)
_LIVE_IN = re.compile(
    r"\b(?:live|living|reside|residing|resident|residents|based|located|settled|sitting|stuck|staying|stay|home is|house|flat|apartment|dwell|relocated|expat"
    r"|exiled|registered resident|tax resident|ended up|lives here)(?: \w+)?(?: \w+)?(?: (?:in|at|of|near|outside|around|out of))? "
    + _THE
)
_AM_IN = re.compile(
    rf"(?:{_I_AM})(?: , )?(?: [\w',]+){{0,5}} (?:in|at|near|within|outside)"
    r" " + _THE
)
_HERE_IN = re.compile(
    r"(?:\b(?:here|now|currently|presently|today|over|up|down|writing|calling|greetings|hello|hi|hey|typing|chatting|asking|cheers|regards|salutations|message|up here|down here)"
    r"(?: to you)?(?: all)? (?:in|from)) " + _THE
)
_BEGINS_IN = re.compile(r"^\s?in " + _THE)
_AM_FROM = re.compile(rf"(?:(?:{_I_AM})(?: [\w']+){{0,5}} from|\b(?:come|coming|hail|hailing) from|^\s?from) {_THE}")
_WORK_IN = re.compile(
    r"\b(?:work|working|study|studying|employed|job|teach|teaching|practise|practice|freelance|freelancing|nurse|teacher|student)(?: [\w']+){0,4} (?:in|from|at|near) "
    + _THE
)
_ACCOUNT_IN = re.compile(
    r"\b(?:account|profile|location|region|country|residence|address|linkedin)(?: [\w']+){0,4} (?:in|to|is|as|says|from) "
    + _THE
)
_PREPOSITION = re.compile(
    r"\b(?:in|from|near|within|around|outside|inside|(?:moved|relocated|moving|apply|applies|applied|extend|extends) to) "
    + _THE
)
_IS_X = re.compile(r"\b(?:is|are|does|for|about) $")
_INCLUDED = re.compile(
    r"(?:included|affected|covered|excluded|part of|on the list|also included|too\b|in scope|exempt)"
)

_BODY_AFTER = re.compile(
    r"(?:(?:based|owned|headquartered|data|protection|privacy|tech|supreme|high|federal|national|class|own|parent|local|big|large|small) )*"
    rf"(?:{_BODIES}|ico|dpc|dpa|dpas|cnil|ap|garante|bfdi|aepd|pcpd|opc|anpd|fdpic|edob|cnpd|apd|gba|commissioner|commission|government|parliament|senate"
    r"|congress|president|ministry|minister|politicians?|newspapers?|press|media|journalists?|lawsuits?|action|complaint|fine|english|accent|spelling"
    r"|keyboard|dollars?|pounds?|currency|embassy|visa|market|boss|bosses|manager|colleagues?|co ?workers?|friends?|clients?|customers?|recruiters?|lawyer"
    r"|subsidiary|entity|unlimited|unlimited company|election|football|economy|senators?|attorney|holdings?|group\b(?! chat)|bank|banks)\b"
)
_LANGUAGE_AFTER = re.compile(
    r"(?:language|ui|interface|menus?|translations?|labels?|wording|subtitles?|speakers?|speaking|teachers?|tutors?|lessons?|translators?|class|course"
    r"|words?|version|text|posts?|articles?|words|names?|term|terms|terminology|news|food|cuisine|restaurants?|wine|beer|passport|holiday|letters?|studies|literature)\b"
)
_LAW_AFTER = re.compile(
    r"(?:(?:data|protection|privacy|new|national|state|federal|consumer) )*(?:laws?|rules?|gdpr|regulations?|rights?|legislation|acts?|directive|constitution)\b"
)
_BASED_AFTER = re.compile(r"(?:based|resident|residents|dweller)\b")
_HERE_AFTER = re.compile(r"(?:[\w']+ ){0,3}here\b")
_ALONE_AFTER = re.compile(r"alone\b")
_GROUP_AFTER = re.compile(
    r"(?:linkedin )?(?:users?|members?|accounts?|profiles?|data\b(?! protection)|citizens?|residents?|people|nationals?|employees|workers|freelancers?|students?|folks?|persons?"
    r"|nurses|teachers|consumers?|job ?seekers?|expats?|here|based|guy|girl|woman|man|lady|lad|chap)\b"
)
_SELF = re.compile(
    rf"(?:{_I_AM}|\bas|\bbeing|\bme|\bus|\bwe|\bfellow|\bmy (?:account|profile)(?: is)?)(?: ,)?(?: (?:a|an|the|proud|born|fellow|also|actually|just|only|both|native|young|old|retired|freelance|dual"
    r"|half|simple|mere|worried|concerned|small|\w+ly))* $"
)
_SELF_BODY = re.compile(r"(?:\bwe're|\bwe are|\bas)(?: \w+)? (?:a|an) (?:\w+ )?$")
_NOT_SELF = re.compile(r"\b(?:not|n't|never)(?: \w+)? $")
_GREETING = re.compile(r"(?:^|(?:hi|hello|hey|hiya|so|ok|okay|well|um|and|good|morning|evening|yo|g'day|,| )+)$")
_AFTER_START = re.compile(
    r"(?:here|with|user|citizen|resident|living|expat|on|using|in|based|member|student|freelancer|national|working|guy|,|and|iphone|android)"
)


_LISTED = re.compile(r"\s*(?:(?:[,/&+]|\b(?:and|or|vs\.?|versus)\b)\s*)+(?:in\s+)?(?:the\s+)?|\s*", re.IGNORECASE)
_CHOICE = re.compile(r"[/&+]|\b(?:and|or|vs|versus)\b", re.IGNORECASE)
_PRONOUN_AFTER = re.compile(r"\b(?:tell|let|give|help|show|teach|all|many|some|most|each|one|two|of|to) $")
_UNDECIDED = frozenset({_BEGINS_WITH_IT, _SAYS_PLACE, _ASKS_FOR_PEOPLE})
"""The weights with which several places side by side are a list, and none of them the person's own."""

_TERRITORIES = {
    territory: country
    for country, territories in {
        "au": "cc cx nf",
        "cn": "hk mo tw",
        "dk": "fo gl",
        "fi": "ax",
        "fr": "bl gf gp mf mq nc pf pm re wf yt",
        "gb": "ai bm fk gg gi im je ky ms pn sh tc vg",
        "nl": "aw bq cw sx",
        "no": "sj",
        "nz": "ck nu tk",
        "us": "as gu mp pr vi",
    }.items()
    for territory in territories.split()
}
"""What is written before a country after a comma ("Hong Kong, China") without being under its rules."""

_PROVINCES = frozenset({"ab", "bc", "mb", "nb", "ns", "on", "qc"})
_CITY_AND_STATE = frozenset({"new york", "washington"})
"""Behind a city abroad these are rather the next city: "London, New York"."""
_SURE_STATES = frozenset({"az", "fl", "ga", "ky", "nc", "nh", "nj", "nv", "ny", "tx", "va", "vt", "wa", "wv", "wy"})
"""Short forms of states that are nothing else behind a city, however they are typed."""
_LONE_STATES = frozenset({"ak", "ct", "fl", "ks", "nh", "nj", "nv", "ny", "ri", "tx", "ut", "vt", "wi", "wv", "wy"})
"""Short forms of states without a city: no English words, and no other place's short forms ("WA", "CA")."""
_ENGLISH_STATES = frozenset({"co", "de", "hi", "id", "in", "la", "me", "oh", "ok", "or"})
_THANKS = "tx"
_CHOSEN_FROM = frozenset({"eu", "uk", "europe", "canada", "usa"})


@dataclass(slots=True)
class _Mention:
    first: int
    last: int
    code: str
    kind: str
    score: int = _SAYS_PLACE


class _Places:
    """The places of a text, weighed by what the words around them tell about the person."""

    def __init__(self, words: PlaceWords) -> None:
        self._wider = {place.code: place.wider for place in words.places}
        self._phrases: _Phrases[tuple[str, str]] = _Phrases(_place_phrases(words.places))
        self._codes = {code.upper(): place.code for place in words.places for code in place.codes}
        self._postal = {place.code.partition("-")[2]: place.code for place in words.places if "-" in place.code}
        self._bare = {place.code: place.name.partition(" (")[0].casefold() for place in words.places}
        if "ca" in self._wider:
            self._postal.update(dict.fromkeys(_PROVINCES, "ca"))
        self._states = {
            tuple(name.split()): code
            for code, name in self._bare.items()
            if code.startswith("us-") and name not in _CITY_AND_STATE
        }
        self._traps: _Phrases[bool] = _Phrases((trap, True) for trap in words.traps)

    def find(self, text: _Text) -> tuple[str | None, list[_Span]]:
        """Return where the person is, or the place they ask about, and the words that named it."""
        mentions = self._mentions(text)
        for mention in mentions:
            mention.score = _weigh(mention, text)
        mentions = [mention for mention in self._joined(mentions, text) if mention.score]
        if not mentions:
            return None, []
        # Of equals a country says more than "the EU", and the first named says most.
        best = max(mentions, key=lambda m: (m.score, m.code not in {"eu", "eea"}, -m.first))
        if best.score in _UNDECIDED and (listed := self._listed(best, mentions, text)):
            return _of_all(listed, mentions), [(m.first, m.last) for m in listed]
        inside = [m for m in mentions if best.code in self._wider.get(m.code, ()) and m.score >= _IS_ONE_OF_THEM]
        code = max(inside, key=lambda m: (len(self._wider[m.code]), m.score, -m.first)).code if inside else best.code
        return code, [(m.first, m.last) for m in mentions if m.code in {code, best.code}]

    def _mentions(self, text: _Text) -> list[_Mention]:
        words = _untrapped(text, self._traps)
        mentions = [_Mention(first, last, *value) for first, last, value in self._phrases.find(text, words)]
        taken = {index for mention in mentions for index in range(mention.first, mention.last)}
        free = [index for index, word in enumerate(words) if word and index not in taken]
        mentions += [_Mention(i, i + 1, code, "name") for i in free if (code := self._short_form(text, i))]
        mentions += [_Mention(i, i + 1, self._postal[words[i]], "state") for i in free if self._lone_state(words[i])]
        mentions.sort(key=lambda m: m.first)
        mentions = mentions[:_MOST_MENTIONS]
        within: list[_Mention] = []
        for mention in mentions:
            if within and mention.first < within[-1].last:
                continue  # the state of the city before it
            if mention.kind in {"city", "careful"} and (state := self._state_behind(mention, text, words)):
                mention.code, mention.last = state
                mention.kind = "city"
            within.append(mention)
        return within

    def _lone_state(self, word: str) -> bool:
        return word in _LONE_STATES and word in self._postal

    def _short_form(self, text: _Text, index: int) -> str | None:
        raw = text.raw(index)
        if _IS_FLAG.fullmatch(raw):
            return self._of_flag(raw)
        dotted = "." in raw
        letters = raw.replace(".", "").removesuffix("'s").removesuffix("’s")
        code = self._codes.get(letters.upper() if dotted else letters)
        if index and text.words[index - 1].isdigit():
            return None  # "3 GB" is a size
        if code and text.shouted and letters.lower() == "us" and not dotted:
            # In a text of capitals "US" is a country only where a pronoun cannot stand.
            return code if re.search(r"\b(?:the|in) $", text.left(index, 1)) else None
        if raw == "us" and self._chosen(text, index):
            return self._codes.get("US")
        return code

    def _of_flag(self, flag: str) -> str | None:
        """Return the place whose two letters a flag is drawn from."""
        start = 0x1F1E6 if len(flag) == 2 else 0xE0061
        letters = flag if len(flag) == 2 else flag[1:3]
        code = "".join(chr(ord(letter) - start + ord("a")) for letter in letters)
        return code if code in self._wider else None

    def _chosen(self, text: _Text, index: int) -> bool:
        """Tell whether the word stands in a choice with a place, as in "us or eu"."""
        if _PRONOUN_AFTER.search(text.left(index, 1)):
            return False
        for near in range(index - 3, index + 4):
            if 0 <= near < len(text.words) and text.words[near] in _CHOSEN_FROM:
                between = text.text[text.spans[min(index, near)][1] : text.spans[max(index, near)][0]]
                if _CHOICE.search(between) and _LISTED.fullmatch(between):
                    return True
        return False

    def _state_behind(self, city: _Mention, text: _Text, words: Sequence[str]) -> tuple[str, int] | None:
        """Return the state or province that stands behind a city, and where it ends: "Paris, Texas", "Durham NC"."""
        index = city.last
        if index >= len(words) or index in text.stop:
            return None
        for last in (index + 2, index + 1):
            code = self._states.get(tuple(words[index:last]))
            if code and self._bare[code] != self._bare[city.code] and (last == index + 1 or not text.ends(last - 1)):
                return code, last
        code = self._postal.get(words[index])
        if code and words[index] != city.code.partition("-")[0] and _is_state(text, index):
            return code, index + 1
        return None

    def _listed(self, best: _Mention, mentions: list[_Mention], text: _Text) -> list[_Mention]:
        """Return the list of places that `best` stands in, none where they lie in one another."""
        listed: list[_Mention] = []
        for mention in mentions:
            if listed and not self._beside(listed[-1], mention, text):
                if best in listed:
                    break
                listed = []
            listed.append(mention)
        if best not in listed:
            return []
        codes = {mention.code for mention in listed}
        inmost = {code for code in codes if not any(code in self._wider.get(other, ()) for other in codes)}
        if len(inmost) > 1:
            inmost -= {
                after.code
                for before, after in itertools.pairwise(listed)
                if _TERRITORIES.get(before.code) == after.code and not _between(before, after, text).strip(" ,(")
            }
        return listed if len(inmost) > 1 else []

    def _beside(self, before: _Mention, after: _Mention, text: _Text) -> bool:
        return after.first not in text.stop and bool(_LISTED.fullmatch(_between(before, after, text)))

    def _joined(self, mentions: list[_Mention], text: _Text) -> list[_Mention]:
        """Let "London, Ontario" and "Lyon, France" be one place: the later name decides, unless it is only wider."""
        joined: list[_Mention] = []
        for mention in mentions:
            before = joined[-1] if joined else None
            if (
                before
                and before.kind == "city"
                and before.last == mention.first
                and mention.kind == "name"
                and mention.first not in text.stop
                and before.score
                and " ".join(text.words[mention.first : mention.last]) not in _CITY_AND_STATE
            ):
                if mention.code not in self._wider.get(before.code, ()) and mention.code != before.code:
                    before.code = mention.code
                before.last = mention.last
                continue
            joined.append(mention)
        return joined


def _of_all(listed: list[_Mention], mentions: list[_Mention]) -> str | None:
    """Return the one place of a list that is named again, or the country of states, None for other lists."""
    codes = {mention.code for mention in listed}
    again = {mention.code for mention in mentions if mention not in listed} & codes
    countries = {code.partition("-")[0] for code in codes}
    return next(iter(again if len(again) == 1 else countries)) if len(again) == 1 or len(countries) == 1 else None


def _between(before: _Mention, after: _Mention, text: _Text) -> str:
    return text.text[text.spans[before.last - 1][1] : text.spans[after.first][0]]


def _is_state(text: _Text, index: int) -> bool:
    """Tell whether the two letters behind a city are a state: "Portland, ME", and not "rome me and my wife"."""
    word, raw = text.words[index], text.raw(index)
    comma, ends = index in text.comma, text.ends(index + 1) or text.words[index + 1].isdigit()
    if word in _SURE_STATES:
        return True
    if word in _ENGLISH_STATES:
        # "OK" and "LA" are as common in capitals as without.
        return raw.isupper() and not text.shouted and comma and ends and word not in {"ok", "la"}
    if raw.isupper() and not text.shouted:
        return comma or ends
    return ends and (comma or word == "al")


def _place_phrases(places: Iterable[Place]) -> Iterable[tuple[str, tuple[str, str]]]:
    for place in places:
        careful = {word.casefold() for word in place.careful}
        name = place.name.removeprefix("the ")
        if (
            "(" not in name and name.casefold() not in careful
        ):  # "Georgia (the country)": its bare name is another's too
            yield name, (place.code, "name")
        for kind, words in (
            ("name", place.also),
            ("city", place.cities),
            ("people", place.people),
            ("careful", place.careful),
        ):
            for word in words:
                yield word, (place.code, kind)


def _weigh(mention: _Mention, text: _Text) -> int:
    """Return how much a mention tells about where the person is; 0 when it speaks of something else."""
    left, right = text.left(mention.first), text.right(mention.last)
    if mention.kind == "people":
        return _weigh_people(text, mention, left, right)
    if mention.kind == "careful" and not (_leads_to_place(left, right) or _is_alone(mention, text)):
        return 0
    if mention.kind == "state" and not _is_lone_state(mention, text, left, right):
        return 0
    not_here = _not_here(left, right)
    if not_here is not None:
        return not_here
    if _LAW_AFTER.match(right):
        return _SPEAKS_OF_LAW
    if _BASED_AFTER.match(right) or (_HERE_AFTER.match(right) and _GREETING.fullmatch(left.strip())):
        return _IS_IN
    return next((score for pattern, score in _NAMED if pattern.search(left)), _SAYS_PLACE)


def _leads_to_place(left: str, right: str) -> bool:
    return bool(_PREPOSITION.search(left) or (_IS_X.search(left) and _INCLUDED.match(right)))


def _is_alone(mention: _Mention, text: _Text) -> bool:
    return mention.last - mention.first == len(text.words)


def _is_lone_state(mention: _Mention, text: _Text, left: str, right: str) -> bool:
    """Tell whether two letters without a city are a state: the more they stand for, the more must be said around them."""
    greeted = bool(_GREETING.fullmatch(left.strip()))
    if greeted and _HERE_AFTER.match(right):
        return True
    if text.raw(mention.first).isupper() and not text.shouted:
        return _leads_to_place(left, right) or (greeted and text.ends(mention.last))
    if _is_alone(mention, text):
        return text.words[mention.first] != _THANKS
    return any(pattern.search(left) for pattern, _ in _NAMED)


def _not_here(left: str, right: str) -> int | None:
    """Return the weight of a place that others are in, or None when the words around it do not say so."""
    if _SUBJECT.search(left) or _PICTURES.search(left) or (_ELSEWHERE.search(left) and not _ALONE_AFTER.match(right)):
        return _TRAVELS if _TRAVEL.search(left) else 0
    if _BODY_AFTER.match(right) and not _SELF_BODY.search(left):
        return 0
    if _OTHERS.search(left):
        if _OWN_BODY.search(left):
            return _WORKS
        return _TRAVELS if _OUR_BODY.search(left) else 0
    if _MOVED_TO.search(left):
        return _LIVES
    return 0 if _THIRD.search(left) or _FLOWS.search(left) else None


_NAMED = (
    (_TRAVEL, _TRAVELS),
    (_LIVE_IN, _LIVES),
    (_WILL_GO, _WILL_MOVE),
    (_AM_IN, _IS_IN),
    (_HERE_IN, _IS_IN - 5),
    (_BEGINS_IN, _BEGINS_WITH_IT),
    (_AM_FROM, _COMES_FROM),
    (_WORK_IN, _WORKS),
    (_ACCOUNT_IN, _ACCOUNT),
)


def _weigh_people(text: _Text, mention: _Mention, left: str, right: str) -> int:
    """Weigh "German": a person says so of themselves, or asks about Germans; all else is no place."""
    if _NOT_SELF.search(left):
        return 0
    if _SELF.search(left):
        own_body = _SELF_BODY.search(left)
        if (_BODY_AFTER.match(right) and not own_body) or _LANGUAGE_AFTER.match(right) or _LAW_AFTER.match(right):
            return 0
        return _IS_ONE_OF_THEM
    if _BODY_AFTER.match(right) or _LANGUAGE_AFTER.match(right):
        return _IS_ONE_OF_THEM if _SELF_BODY.search(left) else 0
    if _LAW_AFTER.match(right):
        return _SPEAKS_OF_LAW
    if _GROUP_AFTER.match(right):
        return 0 if re.search(rf"\b{_PEOPLE} (?:is|are) (?:a |an )?$", left) else _ASKS_FOR_PEOPLE
    word = text.words[mention.last - 1]
    if word.endswith("s") and not word.endswith("ss"):
        return 0 if re.search(r"\b(?:by|with|from|at|two|three|some) $", left) else _ASKS_FOR_PEOPLE
    if _GREETING.fullmatch(left.strip()) and (_AFTER_START.match(right) or _HERE_AFTER.match(right)):
        return _IS_ONE_OF_THEM
    return 0


# --- devices ------------------------------------------------------------------------------------------------------

_USES = 60
_NAMES = 50
_DID_ALREADY = 20

_MINE = r"(?:(?:my|a|an|the|our|this|any|old|new|second|hand|used|personal|own|work|home|private|little|cheap|ancient|apple|or|company|school) )*$"
_NOT_THIS = re.compile(
    r"\b(?:no|not|without|don't|dont|haven't|n't|never|isn't|instead of|stopped using|rather than|other than|except|neither|nor|cannot|can't get to|lost|sold|ditched|minus)"
    r"(?: (?:have|own|use|using|got|on|in|with|want|have access to|at|for|need))* " + _MINE
)
_CHANGED_FROM = re.compile(r"\b(?:switch|chang|mov|went|migrat|upgrad|com)\w*(?: \w+){0,2} from " + _MINE)
_CHANGED_TO = re.compile(r"\b(?:switch|chang|mov|went|migrat|upgrad|com)\w*(?: \w+){0,5} to " + _MINE)
_TOPIC = re.compile(
    r"\b(?:posts?|posted|posting|wrote|write|writing|writes|articles?|blog|blogs|talks?|comments?|commented|book|review|reviewed|news|newsletter|webinar|opinion)"
    r"(?: \w+)?(?: \w+)? (?:about|on|of|regarding) " + _MINE
)
_TRADE_VERB = re.compile(
    r"\b(?:repair|repairing|repaired|fix|fixing|sell|selling|sold|build|building|develop|developing|program|design|designing|designed|test|testing|review|reviewing|collect"
    r"|collecting|refurbish|teach|teaching|manufacture|assemble|administer|buy|buying|stole|stolen|invented|recycle|restore|restoring) "
    + _MINE
)
_EMPLOYED = re.compile(
    r"(?:\bat|\b(?:work|works|working|worked|employed|job|interview|interviews|applied|apply|applying|application|offer|hired|interned|role|position|career)"
    r"(?: \w+)?(?: \w+)? (?:at|for|by|with|to|from|in)|\b(?:join|joined|joining|leave|leaving|left|quit|employer|company|colleagues?|boss|ex|former|competitor) (?:at|is|from|named)?)"
    r" ?(?:the )?$"
)
_USED = re.compile(
    r"\b(?:on|using|use|uses|with|via|from|through|own|have|got|in|at|only|just|holding|got myself|steps for|instructions for|behind|in front of) "
    + _MINE
)
_DONE = re.compile(
    r"\b(?:(?:it's|its|it is|is) (?:already )?(?:off|on)|did|done|turned|switched|works|worked|can see|there|saw|found it|signed|disabled|deactivated|declined|refused|toggled|opened|changed|opted)(?: \w+){0,5} (?:on|in|from|with|via|up on) "
    + _MINE
)
_SEARCHED = re.compile(
    r"\b(?:search\w*|scan\w*|spy\w*|snoop\w*)(?: (?:on|in|into|through|around|for|at|all))* " + _MINE
)
_BUT_NOT = re.compile(
    r"\b(?:see|works?|there|have|find|found|shows?|visible|appears?)\b.* but not (?:on|in|with) " + _MINE
)
_NOT_IN_USE = (_NOT_THIS, _CHANGED_FROM, _TOPIC, _TRADE_VERB, _SEARCHED)
_AT_COMPUTER = re.compile(
    r"(?:\b(?:on|at|using|use|uses|via|own|have|has|got|only|just|from|behind|my|with my|with a)(?: \w+)? "
    + _MINE
    + r"|^ $)"
)
_SOME_COMPUTER = re.compile(
    r"(?:\b(?:a|the|its|their|that|this|some|big|s|good with|clever with|into|of|by|with|to|or) )$"
)
_IN_APP = re.compile(
    r"(?<!not )(?<!without )(?<!deleted )(?<!uninstalled )(?<!of )(?<!dont have )(?<!don't have )(?<!not in )(?<!not on )(?<!don't use )(?<!dont use )(?<!removed )(?<!no )"
    r"(?:\bthe|\blinkedin|\bandroid|\biphone|\bios|\bipad) (?:linkedin )?app\b(?! (?:won't|wont|doesn't|doesnt|isn't|isnt|not|is not|store|deleted|uninstalled|keeps))"
)
_LINK = re.compile(r"(?:(?:on|in|of|from|with|using|via|s|the|my|an?|old|new|and|its|through|built|running|only) ?)*")

_MODEL = re.compile(r"\d{1,2}[a-z]?|[a-z]\d{1,3}|pro|max|plus|ultra|mini|lite|fe|xl|xr|xs|5g")
_COMPUTER_BROWSERS = frozenset(
    {"firefox", "mozilla", "mozilla firefox", "chrome", "google chrome", "chromium", "microsoft edge", "ms edge"}
    | {"edge browser", "internet explorer", "vivaldi", "browser", "web browser"}
)


class _Devices:
    """The devices of a text."""

    def __init__(self, words: DeviceWords) -> None:
        phrases = [(word, device) for device, names in words.devices.items() for word in names]
        phrases += [(word, "browser") for word in words.browsers] + [(word, "phone") for word in words.phones]
        self._phrases: _Phrases[str] = _Phrases(phrases)
        self._traps: _Phrases[bool] = _Phrases((trap, True) for trap in words.traps)
        self._numbered = frozenset(word for word, _ in phrases if word.isalpha() and len(word) > 2)
        self._makers = frozenset(words.makers)
        self._trade = (
            re.compile(rf"(?:apps? |app |software |hardware |phones? )?{_any_of(words.trades)}\b")
            if words.trades
            else None
        )

    def find(self, text: _Text) -> tuple[str | None, list[_Span]]:
        """Return the device that the person uses, and the words that named it."""
        words = [self._unnumbered(word) for word in _untrapped(text, self._traps)]
        mentions = [_Mention(first, last, value, "device") for first, last, value in self._phrases.find(text, words)][
            :_MOST_MENTIONS
        ]
        for mention in mentions:
            mention.score = self._weigh(mention, text)
        mentions = [mention for mention in mentions if mention.score]
        browsers = [m for m in mentions if m.code == "browser"]
        named = [m for m in mentions if m.code not in {"browser", "phone"}]
        mobile = [m for m in mentions if m.code in {"phone", "ios", "android"}]
        best = max(named, key=lambda m: (m.score, -m.first), default=None)
        if best and best.code == "mobile-web":
            return best.code, [(best.first, best.last)]
        if best and best.code == "desktop":
            return best.code, [(m.first, m.last) for m in named if m.code == best.code]
        if browsers and mobile and _in_browser(text, browsers, mobile):
            return "mobile-web", [(m.first, m.last) for m in browsers + mobile]
        if best:
            return best.code, [(m.first, m.last) for m in named if m.code == best.code]
        if browsers and not mobile and _only_browser(text, browsers):
            return "desktop", [(m.first, m.last) for m in browsers]
        return None, []

    def _unnumbered(self, word: str) -> str:
        stem = word.rstrip("0123456789")
        return stem if stem != word and stem in self._numbered else word

    def _weigh(self, mention: _Mention, text: _Text) -> int:
        left, right = text.left(mention.first, 12), text.right(mention.last)
        if _CHANGED_TO.search(left) or _BUT_NOT.search(left):
            return _USES
        if any(pattern.search(left) for pattern in _NOT_IN_USE):
            return 0
        if text.words[mention.last - 1] == "computer" and _SOME_COMPUTER.search(left) and not _AT_COMPUTER.search(left):
            return 0  # the machine that learns, not the one that is used
        if self._trade and self._trade.match(right):
            return 0
        if mention.last - mention.first == 1 and text.words[mention.first] in self._makers and _EMPLOYED.search(left):
            return 0
        if _DONE.search(left):
            return _DID_ALREADY
        return _USES if _USED.search(left) else _NAMES


def _model_end(text: _Text, last: int) -> int:
    """Return where the model behind a device ends: "iPhone 15 Pro Max"."""
    while not text.ends(last) and _MODEL.fullmatch(text.words[last]):
        last += 1
    return last


def _only_browser(text: _Text, browsers: Sequence[_Mention]) -> bool:
    """Tell whether a message is nothing but a browser that is more at home on a computer than on a phone."""
    named = {index for m in browsers for index in range(m.first, m.last)}
    words = {" ".join(text.words[m.first : m.last]) for m in browsers}
    others = {word for index, word in enumerate(text.words) if index not in named}
    return words <= _COMPUTER_BROWSERS and others <= _LEADING | {"i", "use", "only", "just"}


def _in_browser(text: _Text, browsers: Sequence[_Mention], mobile: Sequence[_Mention]) -> bool:
    """Tell whether the browser is what is used on the phone: they stand together, or no app is spoken of."""
    for browser in browsers:
        for phone in mobile:
            first, second = sorted((browser, phone), key=lambda m: m.first)
            between = " ".join(text.words[first.last : second.first])
            if second.first - first.last <= 4 and _LINK.fullmatch(between):
                return True
    return not _IN_APP.search(" ".join(text.words))
