"""Who lives in Tinyville, what is known about them, and the guests about whom nothing is known."""

from dataclasses import dataclass

ATTRIBUTES = ("house", "pet", "job", "food")

_FORMS = {"she": ("she", "her", "her"), "he": ("he", "him", "his")}


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody with a name, a pronoun, and four attributes; None means that no text ever tells it.

    In the template of a text, `{person}` is the name, `{person.she}` is she or he, `{person.him}` her or him,
    `{person.his}` her or his, and `{person.She}`, `{person.His}` the same with a capital.
    """

    name: str
    pronoun: str | None = None
    house: str | None = None
    pet: str | None = None
    job: str | None = None
    food: str | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def she(self) -> str:
        return _FORMS[self.pronoun][0]

    @property
    def him(self) -> str:
        return _FORMS[self.pronoun][1]

    @property
    def his(self) -> str:
        return _FORMS[self.pronoun][2]

    @property
    def She(self) -> str:
        return self.she.capitalize()

    @property
    def His(self) -> str:
        return self.his.capitalize()


VALUES = {
    "house": ("mill", "tower", "lighthouse", "castle", "cottage", "farmhouse", "boathouse", "treehouse"),
    "pet": ("cat", "dog", "parrot", "rabbit", "hamster", "turtle", "pony", "hen"),
    "job": ("baker", "painter", "printer", "cleaner", "carver", "juggler", "mender", "mover"),
    "food": ("soup", "cheese", "honey", "bread", "rice", "pasta", "cake", "jam"),
}
"""The eight values of each attribute; three or four people share each."""

# Twenty people are complete, eight miss exactly one attribute (two people for each), four have none.
PEOPLE = (
    Person("Mia", "she", house="lighthouse", pet="rabbit", job="baker", food="honey"),
    Person("Tom", "he", house="castle", pet="dog", job="cleaner", food="jam"),
    Person("Ada", "she", house="boathouse", pet="dog", job="printer", food="bread"),
    Person("Ben", "he", house="tower", pet="rabbit", food="cake"),
    Person("Nora", "she", house="mill", pet="turtle", job="mender", food="rice"),
    Person("Leo", "he", house="mill", pet="dog", job="printer", food="honey"),
    Person("Lena", "she"),
    Person("Max", "he"),
    Person("Ida", "she", house="treehouse", pet="parrot", job="mender", food="pasta"),
    Person("Finn", "he", house="lighthouse", pet="pony", job="mender"),
    Person("Rosa", "she", house="cottage", pet="hamster", job="juggler", food="cheese"),
    Person("Jack", "he", house="treehouse", pet="hamster", job="painter"),
    Person("Ivy", "she", house="farmhouse", pet="hamster", job="mover", food="pasta"),
    Person("Omar", "he", house="farmhouse", pet="turtle", job="baker", food="bread"),
    Person("Zoe", "she", house="castle", job="painter", food="soup"),
    Person("Noah", "he", house="cottage", pet="cat", job="cleaner", food="soup"),
    Person("Ella", "she", house="lighthouse", pet="parrot", job="cleaner", food="rice"),
    Person("Paul", "he", house="tower", pet="parrot", job="mover", food="jam"),
    Person("Maya", "she", house="boathouse", pet="turtle", job="painter", food="cake"),
    Person("Hugo", "he", pet="rabbit", job="carver", food="rice"),
    Person("Clara", "she"),
    Person("Ravi", "he", house="cottage", pet="pony", job="mover", food="soup"),
    Person("Tara", "she", house="tower", pet="hen", job="painter", food="soup"),
    Person("Otto", "he", house="mill", pet="hen", job="juggler", food="pasta"),
    Person("Ruth", "she", house="farmhouse", pet="cat", food="bread"),
    Person("Dan", "he", house="castle", pet="pony", job="juggler", food="cake"),
    Person("Anna", "she", pet="dog", job="baker", food="cheese"),
    Person("Theo", "he", house="treehouse", pet="cat", job="carver", food="cheese"),
    Person("Lucy", "she", house="boathouse", job="printer", food="jam"),
    Person("Luke", "he"),
    Person("Hana", "she", house="mill", pet="hen", job="baker", food="honey"),
    Person("Emil", "he", house="tower", pet="cat", job="carver", food="cheese"),
)

GUESTS = tuple(Person(name) for name in ("Alex", "Robin", "Kim", "Sam", "Charlie", "Jamie"))
"""Visitors who are she or he by chance, and about whom only the text at hand says anything."""

UNUSED_NAMES = ("Vera", "Nils", "Greta", "Igor")
"""Names that no text of Tinyville uses, for asking about somebody unheard of."""
