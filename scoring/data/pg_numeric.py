"""Decimals and uint64 in the wire form of `numeric`: digits of base 10 000, most significant first."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.data.arrays import Mask

_BASE_DIGITS = 4
_NEGATIVE = 0x4000
_LIMB_BITS = np.uint64(32)

Limbs = NDArray[np.uint64]


def numeric_bytes(array: pa.Array) -> NDArray[np.uint8]:
    """uint64 or decimal [n] → uint8 [n, w], w being the same for all values of the type; nulls give anything."""
    signed = not pa.types.is_uint64(array.type)
    precision, scale = (array.type.precision, array.type.scale) if signed else (20, 0)
    limbs, negative = _magnitude(_limbs(array), signed=signed)
    whole, fraction = -(-(precision - scale) // _BASE_DIGITS), -(-scale // _BASE_DIGITS)
    words = np.empty((len(array), 4 + whole + fraction), ">i2")
    words[:, 0] = whole + fraction
    words[:, 1] = whole - 1  # weight of the first digit
    words[:, 2] = np.where(negative, _NEGATIVE, 0)
    words[:, 3] = scale
    _put_digits(words[:, 4:], limbs, scale)
    return words.view(np.uint8)


def _limbs(array: pa.Array) -> Limbs:
    """[n, k] of 32 bits each, least significant first."""
    width = array.type.bit_width // 8
    if len(array) == 0:
        return np.zeros((0, width // 4), np.uint64)
    data = np.frombuffer(array.buffers()[1], "<u4", count=len(array) * width // 4, offset=array.offset * width)
    return data.reshape(len(array), -1).astype(np.uint64)


def _magnitude(limbs: Limbs, *, signed: bool) -> tuple[Limbs, Mask]:
    negative = (limbs[:, -1] >> np.uint64(31) == 1) & signed
    carry = negative.astype(np.uint64)
    flipped = np.empty_like(limbs)
    for limb in range(limbs.shape[1]):
        value = np.where(negative, ~limbs[:, limb] & np.uint64(0xFFFFFFFF), limbs[:, limb]) + carry
        flipped[:, limb], carry = value & np.uint64(0xFFFFFFFF), value >> _LIMB_BITS
    return flipped, negative


def _put_digits(digits: NDArray[Any], limbs: Limbs, scale: int) -> None:
    """Fill [n, count], with leading zeros; the decimal point falls between two digits."""
    last = digits.shape[1]
    if odd := scale % _BASE_DIGITS:
        last -= 1
        digits[:, last] = _divide(limbs, 10**odd) * np.uint64(10 ** (_BASE_DIGITS - odd))
    for place in range(last - 1, -1, -1):
        digits[:, place] = _divide(limbs, 10**_BASE_DIGITS)


def _divide(limbs: Limbs, divisor: int) -> NDArray[np.uint64]:
    """Divide in place; returns the remainders [n]."""
    rest = np.zeros(len(limbs), np.uint64)
    for limb in range(limbs.shape[1] - 1, -1, -1):
        value = rest << _LIMB_BITS | limbs[:, limb]
        limbs[:, limb], rest = np.divmod(value, np.uint64(divisor))
    return rest
