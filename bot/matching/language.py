"""Tell the language of a message from its script and its small words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from bot.matching.normalise import clean, words

_SMALL = {
    "en": "the and is are was do does did my your their they it its of to in on with for from not no can how what where when why who which this that i you we be have has if but about me at or so any",
    "de": "der die das und ist sind nicht ich mein meine meinen wie was wo wann warum wer welche mit von für fur auf zu den dem ein eine einen werden wird kann auch bei im es sie wir haben hat dass oder noch meiner aus mich daten ausschalten abschalten deaktivieren konto nutzt verwendet gilt legal datenschutz nachrichten geht gibt wieder schon nur",
    "fr": "le la les des et est sont pas je mon ma mes comment que qui quoi quand pourquoi avec de du pour sur un une dans est ce ils elle nous vous leur peut il ne se au aux cest jai plus quel quelle sans desactiver donnees compte supprimer messages ou utilise utilisees refuser comment cest legal",
    "es": "el los las y es son no mi mis como que quien cuando donde porque con de del para por un una en se lo su sus puedo puede yo les al esta este hay pero si cual mas me quiero desactivo desactivar datos cuenta borrar mensajes usan usar entrenar entrenamiento privados dónde apagar legal",
    "pt": "o os as e não nao sao é meu minha meus minhas como que quem quando onde porque com de do da dos das para por um uma em se eu eles no na está isso mais ou posso tem ao quero desativar desativo dados conta apagar fica mensagens treinar usados privacidade opção",
    "it": "il lo gli e è sono non mio mia miei come che chi quando dove perche con di del della dei per un una in si mi ho posso anche questo nel alla sul dal al piu cosa se loro i voglio disattivo disattivare dati account messaggi vengono usati cancellare trova legale privati",
    "nl": "de het een en is zijn niet ik mijn hoe wat waar wanneer waarom wie welke met van voor op te in dat dit ze wij kan ook bij er worden wordt naar heb heeft nog om aan als of uit gegevens uitzetten uitschakelen berichten gebruikt gebruiken hoezo wel deze",
    "sv": "och är inte jag min mina hur vad var när varför vem vilken med av för på till en ett som det den de kan också från har om att i vi används stänga mina uppgifter meddelanden data lagligt den",
    "da": "og er ikke jeg min mine hvordan hvad hvor hvornår hvorfor hvem med af for på til en et som det den de kan også fra har om at i vi slår fra beskeder mine oplysninger",
    "no": "og er ikke jeg min mine hvordan hva hvor når hvorfor hvem med av for på til en et som det den de kan også fra har om å i vi slår av meldinger mine opplysninger",
    "fi": "ja on ei minä minun mitä miten missä milloin miksi kuka että se ne voi myös ovat en olen tämä mun voiko onko tietoja tietoni tili kytken pois",
    "pl": "i jest są nie ja mój moje moich jak co gdzie kiedy dlaczego kto z do na w że to czy się dla może moge mogę przez po od ale jakie są moj dane danych wylaczyc wyłączyć wiadomości konto uzywane używane",
    "cs": "a je jsou ne já můj moje jak co kde kdy proč kdo s do na v že to se pro může mohu od ale jsem po nebo jestli data údaje vypnout účet",
    "tr": "ve bir bu ne nasıl nasil nerede neden kim için icin ile mi mı mu benim var yok değil degil ama da de çok olarak nasıl hangi verilerim verileri kullanıyor kullanılıyor kapatmak kapatabilirim nasil bunu hesabımı mesajlarım",
    "ro": "și si este sunt nu eu meu mea mele cum ce unde când cand cine cu de la în in pe că ca pentru o un să sa din imi datele mai datele contul oprim",
    "hu": "és es az egy nem én hogy hogyan mi hol mikor miért ki van vagy ez azt de is meg nekem lehet adataim",
    "id": "dan yang di ke dari ini itu tidak saya apa bagaimana dimana kapan kenapa siapa dengan untuk bisa ada adalah data apakah menonaktifkan mematikan akun",
    "vi": "và là của không tôi cái gì như thế nào ở đâu khi có được cho này với những",
}
# Messages come without accents, so the lists lose theirs too.
_WORDS = {code: frozenset(words(clean(listed))) for code, listed in _SMALL.items()}
_SCRIPTS = {
    "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar", "HEBREW": "he", "DEVANAGARI": "hi",
    "THAI": "th", "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh",
    "BENGALI": "bn", "TAMIL": "ta", "GEORGIAN": "ka", "ARMENIAN": "hy",
}  # fmt: skip
_FEWEST = 2
_FIRM = 3
_LOOK = 200


def identify(found: Sequence[str], *, accents: bool = False) -> str:
    """Return the ISO 639-1 code of the language, `und` when too little tells it.

    `accents` says that the message had letters with accents, which English rarely has.
    """
    found = found[:_LOOK]
    script = _script("".join(found)[:_LOOK])
    if script is not None:
        return script
    hits = {code: sum(word in known for word in found) for code, known in _WORDS.items()}
    english = hits.pop("en")
    best = max(hits, key=lambda code: hits[code])
    if hits[best] >= (1 if accents and not english else _FEWEST) and hits[best] > english:
        return best
    return "en" if english else "und"


def wholly(found: Sequence[str], language: str) -> bool:
    """Tell whether every word is a small word of a language."""
    return all(word in _WORDS.get(language, ()) for word in found)


def firmly(found: Sequence[str], language: str) -> bool:
    """Tell whether so many more small words are of a language than of English that nothing else counts."""
    known, english = _WORDS.get(language, frozenset()), _WORDS["en"]
    return sum((word in known) - (word in english) for word in found[:_LOOK]) >= _FIRM


def has_accents(text: str) -> bool:
    """Tell whether a message has Latin letters with accents."""
    return any("\u00df" <= character <= "\u017f" and character != "\u00f7" for character in text[:_LOOK].lower())


def _script(text: str) -> str | None:
    """Return the language of a script that is not Latin, if most letters are of it."""
    letters = [character for character in text if character.isalpha()]
    other = [character for character in letters if not character.isascii()]
    if not letters or len(other) * 2 < len(letters):
        return None
    names = Counter(unicodedata.name(character, "?").split()[0].split("-")[0] for character in other)
    if names["HIRAGANA"] or names["KATAKANA"]:
        return "ja"
    code = _SCRIPTS.get(names.most_common(1)[0][0])
    if code == "ru" and re.search("[іїєґ]", text):
        return "uk"
    return code
