"""Faults of the network between a worker and the broker: cut, slow, or swallowing everything."""

from typing import Final

from tests.chaos.detour import Detour
from tests.chaos.scenario import PIECE, Act
from tests.chaos.world import World

ROLES: Final = ("recorder", "bookkeeper")
CUTS: Final = 3
DELAY_MAX_MS: Final = 150


def cut(world: World) -> None:
    """Every connection is reset several times; in between the worker makes some progress."""
    role = world.rng.choice((*ROLES, "sink"))
    detour = _led_round(world, role)
    with world.feeding(PIECE):
        for _ in range(CUTS):
            detour.cut()
            world.feed(world.rng.randint(1, PIECE // 4))
            detour.heal()
            world.wait_until_kept()


def slow(world: World) -> None:
    """Each piece of each answer is delayed."""
    detour = _led_round(world, world.rng.choice(ROLES))
    detour.slow(world.rng.randint(20, DELAY_MAX_MS) / 1000)
    with world.feeding(PIECE):
        world.feed(PIECE)
    detour.heal()


def swallows(world: World) -> None:
    """A worker's connections stay open but nothing passes, until another worker has done its work. Then its requests
    arrive late, and must have no effect."""
    role = world.rng.choice(ROLES)
    detour = _led_round(world, role)
    world.feed(PIECE)
    detour.swallow()
    world.feed(PIECE)
    world.service.start(f"{role}-2")
    world.wait_until_kept()
    detour.heal()
    world.feed(PIECE)
    world.wait_until_kept()
    world.service.leave(f"{role}-2")


def _led_round(world: World, role: str) -> Detour:
    """Restart the worker with a proxy before every broker."""
    detour = world.detour()
    world.service.again(role, detours=detour.ports)
    world.feed(PIECE)
    world.wait_until_kept()
    return detour


NETWORK: Final[dict[str, Act]] = {
    "the network of a worker is cut": cut,
    "the network of a worker is slow": slow,
    "the network of a worker swallows everything": swallows,
}
