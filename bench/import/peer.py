"""The way this is done in Python: paramiko, Pillow, and the perceptual hash as ImageHash defines it, in words of our own.

peer.py <folder> <processes>: reads SFTP_HOST, SFTP_PORT, SFTP_USER, SFTP_KEY_FILE; prints "<hash> <path>" for each file.
With PEER_PREFETCH it asks for all pieces of a file at once, which is what few scripts do.
"""
import io
import os
import stat
import subprocess
import sys

import numpy
import paramiko
import scipy.fftpack
from PIL import Image

SIDE = 8
FACTOR = 4


def perceptual_hash(image):
    size = SIDE * FACTOR
    small = image.convert("L").resize((size, size), Image.Resampling.LANCZOS)
    frequencies = scipy.fftpack.dct(scipy.fftpack.dct(numpy.asarray(small), axis=0), axis=1)
    low = frequencies[:SIDE, :SIDE]
    bits = (low > numpy.median(low)).flatten()
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def connect():
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        os.environ["SFTP_HOST"],
        port=int(os.environ["SFTP_PORT"]),
        username=os.environ["SFTP_USER"],
        key_filename=os.environ["SFTP_KEY_FILE"],
        look_for_keys=False,
        allow_agent=False,
    )
    return client


def walk(sftp, folder):
    for entry in sorted(sftp.listdir_attr(folder), key=lambda each: each.filename):
        path = f"{folder}/{entry.filename}"
        if stat.S_ISDIR(entry.st_mode):
            yield from walk(sftp, path)
        else:
            yield path


def work(base, part, parts):
    client = connect()
    sftp = client.open_sftp()
    for index, path in enumerate(walk(sftp, base)):
        if index % parts != part:
            continue
        with sftp.open(path) as file:
            if os.environ.get("PEER_PREFETCH"):
                file.prefetch()
            content = file.read()
        with Image.open(io.BytesIO(content)) as image:
            print(perceptual_hash(image), os.path.relpath(path, base), flush=True)
    client.close()


if __name__ == "__main__":
    folder, processes = sys.argv[1], int(sys.argv[2])
    Image.MAX_IMAGE_PIXELS = None
    if len(sys.argv) > 3:
        work(folder, int(sys.argv[3]), processes)
    else:
        children = [
            subprocess.Popen([sys.executable, __file__, folder, str(processes), str(part)])
            for part in range(processes)
        ]
        sys.exit(max(child.wait() for child in children))
