"""Real words with real labels: on which continent does a city lie? From the world's list of time zones (lesson 6)."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor

from llmviz.embeddings import WordVectors

CONTINENTS = ("Africa", "America", "Asia", "Europe")
CITIES = {
    "Africa": (
        "abidjan accra algiers asmara bamako bangui banjul bissau blantyre brazzaville bujumbura cairo casablanca "
        "conakry dakar djibouti douala freetown gaborone harare johannesburg kampala khartoum kigali kinshasa lagos "
        "libreville lome luanda lubumbashi lusaka malabo maputo maseru mbabane mogadishu monrovia nairobi niamey "
        "nouakchott ouagadougou tripoli tunis windhoek"
    ),
    "America": (
        "anchorage antigua aruba asuncion barbados belize bogota boise cancun caracas cayenne chicago chihuahua "
        "curacao denver detroit dominica edmonton fortaleza grenada guadeloupe guatemala guayaquil guyana halifax "
        "havana indianapolis jamaica juneau lima louisville managua manaus martinique matamoros mazatlan merida "
        "montevideo monterrey montreal nassau nome panama paramaribo phoenix recife regina santarem santiago tijuana "
        "toronto vancouver whitehorse winnipeg yellowknife"
    ),
    "Asia": (
        "aden almaty amman ashgabat baghdad bahrain baku bangkok beirut bishkek calcutta chita colombo damascus dhaka "
        "dili dubai dushanbe gaza hebron irkutsk jakarta jerusalem kabul kamchatka karachi kathmandu krasnoyarsk "
        "kuwait macau magadan manila muscat novosibirsk omsk pyongyang qatar rangoon riyadh samarkand seoul "
        "shanghai singapore taipei tashkent tbilisi tehran thimphu tokyo tomsk urumqi vientiane vladivostok yakutsk "
        "yekaterinburg yerevan"
    ),
    "Europe": (
        "amsterdam andorra astrakhan athens belgrade berlin bratislava brussels bucharest budapest copenhagen dublin "
        "gibraltar guernsey helsinki jersey kaliningrad kiev kirov lisbon ljubljana london luxembourg madrid "
        "malta minsk monaco moscow oslo paris podgorica prague riga rome samara sarajevo saratov simferopol skopje "
        "sofia stockholm tallinn tirane ulyanovsk uzhgorod vaduz vatican vienna vilnius volgograd warsaw zagreb zurich"
    ),
}
"""Names of one word from the IANA time zone database (public domain), such as "Europe/Paris": continent → cities."""


def labelled_cities(vectors: WordVectors, *, seed: int = 0) -> tuple[list[str], Tensor, Tensor]:
    """The cities that have a vector, in an order drawn from the seed.

    Returns:
        the names, their vectors (city, number), and their continents (city,), as places in `CONTINENTS`.
    """
    known = set(vectors.words)
    pairs = [
        (city, label) for label, name in enumerate(CONTINENTS) for city in CITIES[name].split() if city in known
    ]
    random.Random(seed).shuffle(pairs)
    rows = np.stack([vectors.vectors[vectors.row(city)] for city, _ in pairs])
    return [city for city, _ in pairs], torch.tensor(rows), torch.tensor([label for _, label in pairs])
