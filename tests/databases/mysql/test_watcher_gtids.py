"""Counting GTIDs against plain sets of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from console.databases.mysql.gtids import missing, transactions

numbers = st.dictionaries(st.sampled_from(["a", "b", "c", "c:tag"]), st.sets(st.integers(1, 30), min_size=1))


def printed(has: dict[str, set[int]]) -> str:
    """As the server prints it: intervals, several of one writer in one piece, the tags behind their writer."""
    pieces = []
    for writer, own in sorted(has.items()):
        intervals: list[list[int]] = []
        for number in sorted(own):
            if intervals and intervals[-1][1] == number - 1:
                intervals[-1][1] = number
            else:
                intervals.append([number, number])
        texts = [f"{first}-{last}" if last > first else str(first) for first, last in intervals]
        pieces.append(":".join([writer, *texts]))
    return ",\n".join(pieces)


@given(numbers, numbers)
def test_what_a_replica_lacks(primary: dict[str, set[int]], replica: dict[str, set[int]]) -> None:
    lacking = sum(len(own - replica.get(writer, set())) for writer, own in primary.items())
    assert missing(printed(primary), printed(replica), mariadb=False) == lacking
    assert transactions(printed(primary), mariadb=False) == sum(len(own) for own in primary.values())


@given(
    st.dictionaries(st.integers(0, 3), st.integers(1, 99)),
    st.dictionaries(st.integers(0, 3), st.integers(1, 99)),
)
def test_what_a_replica_lacks_by_domains(primary: dict[int, int], replica: dict[int, int]) -> None:
    def position(has: dict[int, int]) -> str:
        return ",".join(f"{domain}-1-{number}" for domain, number in has.items())

    lacking = sum(max(0, number - replica.get(domain, 0)) for domain, number in primary.items())
    assert missing(position(primary), position(replica), mariadb=True) == lacking
    assert transactions(position(primary), mariadb=True) == sum(primary.values())
