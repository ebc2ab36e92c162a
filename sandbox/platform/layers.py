"""Values that several events set at the same place, one over the other.

The newest value counts. An event that ends takes its own layer away, wherever in the pile it lies; when the last layer
is gone, the place has the value again that it had before the first.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Place = TypeVar("Place", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Layer(Generic[Place, Value]):
    """One value at one place; two layers with the same value are two."""

    place: Place
    value: Value


class Layers(Generic[Place, Value]):
    """All layers of all places."""

    def __init__(self) -> None:
        self._layers: list[Layer[Place, Value]] = []
        self._base: dict[Place, Value] = {}

    def lay(self, place: Place, value: Value, base: Value) -> Layer[Place, Value]:
        """Put a value on top; ``base`` is what the place has now, and is used only for the first layer."""
        if not self.at(place):
            self._base[place] = base
        layer = Layer(place, value)
        self._layers.append(layer)
        return layer

    def lift(self, layer: Layer[Place, Value]) -> Value:
        """Take a layer away and return the value that the place has now."""
        self._layers = [item for item in self._layers if item is not layer]
        return self.top(layer.place, self._base[layer.place])

    def at(self, place: Place) -> list[Value]:
        """The values at a place, the oldest first."""
        return [item.value for item in self._layers if item.place == place]

    def top(self, place: Place, otherwise: Value) -> Value:
        """The value that counts at a place, or ``otherwise`` where nothing was laid."""
        return next((item.value for item in reversed(self._layers) if item.place == place), otherwise)

    def is_top(self, layer: Layer[Place, Value]) -> bool:
        """Whether a layer is the one that counts at its place."""
        return layer is next((item for item in reversed(self._layers) if item.place == layer.place), None)

    def clear(self, place: Place) -> None:
        """Take all layers of a place away."""
        self._layers = [item for item in self._layers if item.place != place]
