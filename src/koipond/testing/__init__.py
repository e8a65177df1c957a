"""Testing: fakes, fixed clock and builders for tests of Koipond and of what is built on it."""
