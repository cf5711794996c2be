"""What PostgreSQL tells those who listen to a channel."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
from psycopg import sql

from gymtui.gym.engine.database_place import SharedDatabase
from gymtui.gym.engine.database_server import options_of
from gymtui.gym.engine.records import StorageError

RETRY_S = 0.5


async def notifications(place: SharedDatabase, channel: str) -> AsyncIterator[str | None]:
    """Listen for good.

    Yields:
        What was sent; None whenever it begins anew, since something may have been missed.
    """
    while True:
        try:
            options = await asyncio.to_thread(options_of, place)
            async with await psycopg.AsyncConnection.connect(
                "", autocommit=True, **options
            ) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                yield None
                async for notice in connection.notifies():
                    yield notice.payload
        except (psycopg.Error, StorageError):
            await asyncio.sleep(RETRY_S)
