"""Tests of the house run small documents of their own through pytester."""

pytest_plugins = ["pytester"]
