"""Library (库): the parts of the library face that need an engine; the others stand in their packages."""

from koipond.library.layers import aipl, grade, lifecycle, rfm

__all__ = ["aipl", "grade", "lifecycle", "rfm"]
