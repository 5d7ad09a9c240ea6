"""Call the calculator: `python client.py [URL]`."""

from __future__ import annotations

import sys
from pathlib import Path

import fastthrift

calculator = fastthrift.load(Path(__file__).with_name("calculator.thrift"))

if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:9090"
    with fastthrift.connect(calculator.Calculator, url, timeout=2.0) as client:
        print("2 + 3 =", client.add(2, 3))
        print("1 / 4 =", client.divide(1.0, 4.0))
        try:
            client.divide(1.0, 0.0)
        except calculator.DivisionByZero as error:
            print("1 / 0:", error.message)
        for entry in client.history(limit=5):
            print("earlier:", entry)
        client.clear()
