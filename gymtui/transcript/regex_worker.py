"""The program that `regex_process` runs: reads a pattern, then texts, and answers with matches.

It imports nothing of this package, and cannot outlive its pipe or a minute of processor time.
"""

from __future__ import annotations

import array
import re
import resource
import struct
import sys

_CPU_S = 60
_MEMORY = 2 << 30


def main() -> None:
    """Answer until the pipe is closed."""
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    source, answers = sys.stdin.buffer, sys.stdout.buffer
    pattern = None
    while head := source.read(16):
        size, most = struct.unpack("=QQ", head)
        text = source.read(size).decode("utf-8", "surrogatepass")
        if pattern is None:
            pattern = re.compile(text, int(sys.argv[1]))
            continue
        found = array.array("Q")
        for match in pattern.finditer(text):
            if match.end() > match.start():
                found.extend(match.span())
                if len(found) >= 2 * most:
                    break
        data = found.tobytes()
        answers.write(struct.pack("=Q", len(data)) + data)
        answers.flush()


if __name__ == "__main__":
    main()
