"""Names the fixtures to load; nothing else."""

pytest_plugins = [
    "fixtures.ceiling",
    "fixtures.claims",
    "fixtures.loops",
    "fixtures.control",
    "fixtures.trace",
    "fixtures.guards",
    "fixtures.leaks",
    "fixtures.certificates",
    "fixtures.timeline.plugin",
    "fixtures.deviations",
    "fixtures.forks",
    "fixtures.programs",
    "fixtures.servers.plugin",
    "fixtures.servers.aioredis_client",
    "fixtures.servers.mysql_client",
    "fixtures.faked_http",
    "fixtures.checklist.plugin",
]
