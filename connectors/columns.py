"""The columns of a Parquet file, read by a process of its own: `python connectors/columns.py FILE`.

A file of a few kilobytes can hold a word of a hundred kilobytes a million times over, and say so only in its pages. What
that takes is bounded by the limit of this process, not by what the file says of itself. It imports nothing of the product.

Standard output: an Arrow stream of batches of bounded size. Exit status 0: it is whole; 1: the file is damaged; else it
took too much.
"""

import resource
import sys

import pyarrow as pa
import pyarrow.parquet as pq

MOST_BYTES, MOST_SECONDS = 3 << 30, 1_800
ROWS = 65_536
BATCH_BYTES = 32 << 20


def main() -> int:
    """Give out the file named first."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with pq.ParquetFile(sys.argv[1]) as file:
            plain = pa.schema([
                pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type)
                for f in file.schema_arrow
            ])  # fmt: skip
            with pa.ipc.new_stream(sys.stdout.buffer, plain) as out:
                for batch in file.iter_batches(batch_size=ROWS):
                    arrays = [column.cast(field.type) for column, field in zip(batch.columns, plain, strict=True)]
                    _give(out, pa.RecordBatch.from_arrays(arrays, schema=plain))
    except BrokenPipeError:
        sys.stderr.close()
    except MemoryError:
        return 2
    except (pa.ArrowException, OSError):
        return 1
    return 0


def _give(out: pa.ipc.RecordBatchStreamWriter, batch: pa.RecordBatch) -> None:
    if batch.nbytes > BATCH_BYTES and batch.num_rows > 1:
        half = batch.num_rows // 2
        _give(out, batch.slice(0, half))
        _give(out, batch.slice(half))
    elif batch.nbytes > BATCH_BYTES:
        raise MemoryError("no row is that large")
    else:
        out.write_batch(batch)


if __name__ == "__main__":
    sys.exit(main())
