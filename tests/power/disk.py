# SPDX-License-Identifier: GPL-2.0-only
"""What a disk may hold after a power cut, from the log of what a program did (write_log.h).

A cut comes after some number of records. What the program had synced by then is there; of the
rest anything may be. Two views of what a sync promises:

strict   POSIX's word alone. A sync of a file: its data and size, not its name. A sync of a folder:
         the names in it, not what they name, nor its own name. The folders' names otherwise
         arrive in their order, each folder for itself.
journal  As file systems with one ordered journal of metadata do it (ext4, XFS): names arrive in
         the order of all of them, and a sync of a file or folder brings along every change of
         names before the last one of its own.

In both, un-synced data of a file may be there to any point, torn between two sectors, with pages
missing in between, or as a size whose content is zeros. Renames within a folder are atomic. A
sync counts for what had happened when it began, once it has ended.

Promises must hold in the strict view, the weaker one; the journal view adds states that only a
global order of names produces.
"""

import bisect
import functools
import hashlib
import os
import random
import struct
from fnmatch import fnmatch

PAGE = 4096
SECTOR = 512
OPS = ("BEGIN CREATE MKDIR LINK UNLINK RMDIR RENAME WRITE TRUNCATE EXTEND SYNC_BEGIN SYNC_END "
       "STRANGE").split()
RECORD = struct.Struct("<IHHIIQQQQQQ")

# Ways to lose, every one for every cut: (name, view, folders' names, files' data)
FIXED_WAYS = (
    ("everything", "strict", "all", "all"),
    ("only-synced", "strict", "synced", "synced"),
    ("names-first", "strict", "all", "synced"),
    ("names-and-sizes-first", "strict", "all", "sizes"),
    ("data-first", "strict", "synced", "all"),
    ("journal-only-synced", "journal", "synced", "synced"),
)
RANDOM_WAYS = (("strict-random", "strict", "random", "random"),
               ("journal-random", "journal", "random", "random"))


class Broken(Exception):
    """The log does not tell everything, so nothing can be concluded from it."""


class Record:
    __slots__ = ("op", "pid", "time_ns", "announced", "folder", "inode", "to_folder", "offset",
                 "name", "to_name", "data")


def read_log(path):
    with open(path, "rb") as file:
        log = file.read()
    records, at = [], PAGE
    while at < len(log):
        (size, op, name_bytes, to_name_bytes, pid, time_ns, announced, folder, inode, to_folder,
         offset) = RECORD.unpack_from(log, at)
        record, names = Record(), at + RECORD.size
        record.op, record.pid, record.time_ns, record.announced = OPS[op], pid, time_ns, announced
        record.folder, record.inode, record.to_folder = folder, inode, to_folder
        record.offset = offset
        record.name = os.fsdecode(log[names:names + name_bytes])
        names += name_bytes
        record.to_name = os.fsdecode(log[names:names + to_name_bytes])
        record.data = log[names + to_name_bytes:at + size]
        records.append(record)
        at += size
    return records


class Node:
    """One life of an inode: its changes, in order, and its syncs."""

    def __init__(self, number, name, is_folder):
        self.number, self.name, self.is_folder = number, name, is_folder
        self.names = {name}   # all that it ever had
        self.at = []          # indexes of the records of its changes
        self.changes = []     # folder: ((name, node or None), ...); file: (op, offset, data)
        self.sync_ends = []   # ascending
        self.sync_begins = []  # the highest of those whose end is at or before
        self.size = 0

    def change(self, index, change):
        self.at.append(index)
        self.changes.append(change)

    def synced(self, begin, end):
        self.sync_ends.append(end)
        self.sync_begins.append(max([begin] + self.sync_begins[-1:]))

    def happened(self, cut):
        """How many changes had happened by then."""
        return bisect.bisect_left(self.at, cut)

    def durable(self, cut):
        """How many of them are on the disk for certain."""
        syncs = bisect.bisect_left(self.sync_ends, cut)
        return bisect.bisect_left(self.at, self.sync_begins[syncs - 1]) if syncs else 0


def put(data, at, new):
    if len(data) < at:
        data.extend(bytes(at - len(data)))
    data[at:at + len(new)] = new


def apply(data, change):
    op, offset, new = change
    if op == "WRITE":
        put(data, offset, new)
    elif op == "TRUNCATE":
        del data[offset:]
        put(data, offset, b"")
    else:
        put(data, max(len(data), offset), b"")


def apply_size(data, change):
    op, offset, new = change
    apply(data, ("EXTEND", offset + len(new), b"") if op == "WRITE" else change)


def apply_part(data, change, rng):
    """A write that was under way: up to some sector, the rest missing or zeros."""
    op, offset, new = change
    if op != "WRITE":
        return
    sectors = range(-(-(offset + 1) // SECTOR) * SECTOR, offset + len(new), SECTOR)
    end = rng.choice(sectors) - offset if sectors else 0
    put(data, offset, new[:end])
    if rng.random() < 0.5:
        apply_size(data, change)


def apply_pages(data, change, rng):
    """Of a write, some pages and not others."""
    op, offset, new = change
    apply_size(data, change)
    if op != "WRITE":
        return
    at = 0
    while at < len(new):
        part = min(PAGE - (offset + at) % PAGE, len(new) - at)
        if rng.random() < 0.5:
            put(data, offset + at, new[at:at + part])
        at += part


class Disk:
    def __init__(self, records, forget=()):
        """`forget`: syncs of what was first called like that did not happen, as in a program that
        lacks them."""
        self.records = records
        self.forget = forget
        self.nodes = []
        self.made = {}            # index of the record -> node that it made
        self.subjects = {}        # index of the record -> file or folder written to or synced
        self.inodes = {}
        self.forgotten = 0
        self.touched = {}         # node number -> index of the last change of names or its size
        self.barrier_ends = []    # of the journal: ascending ends of syncs
        self.barriers = []        # every change of names before is durable then
        self.names_at = []        # indexes of all changes of names
        pending = {}
        if not records or records[0].op != "BEGIN":
            raise Broken("the log does not begin with its folder")
        self.root = self.new_node(records[0].inode, "", True)
        for index, record in enumerate(records):
            if record.op == "STRANGE":
                raise Broken(f"no model of: {record.name}")
            if record.op == "SYNC_BEGIN":
                pending[record.offset] = (index, self.touched.get(self.subject(index, record), 0))
            elif record.op == "SYNC_END":
                self.sync(index, record, *pending.pop(record.offset))
            elif record.op in ("WRITE", "TRUNCATE", "EXTEND"):
                self.data(index, record)
            elif record.op != "BEGIN":
                self.name(index, record)
        self.content = functools.lru_cache(maxsize=256)(self.content_uncached)

    def new_node(self, inode, name, is_folder):
        node = Node(len(self.nodes), name, is_folder)
        self.nodes.append(node)
        self.inodes[inode] = node
        return node

    def node(self, inode, what):
        if inode not in self.inodes:
            raise Broken(f"{what} of inode {inode}, which the log never saw made")
        return self.inodes[inode]

    def subject(self, index, record):
        if record.inode == 0:
            return None
        self.subjects[index] = self.node(record.inode, record.op)
        return self.subjects[index].number

    def sync(self, index, record, begin, touched):
        if record.inode == 0:
            nodes, touched = self.nodes, begin
        else:
            self.subject(index, record)
            nodes = [self.subjects[index]]
            if any(fnmatch(nodes[0].name, pattern) for pattern in self.forget):
                self.forgotten += 1
                return
        for node in nodes:
            node.synced(begin, index)
        self.barrier_ends.append(index)
        self.barriers.append(max([touched] + self.barriers[-1:]))

    def data(self, index, record):
        self.subject(index, record)
        node = self.subjects[index]
        node.change(index, (record.op, record.offset, record.data))
        size = record.offset + len(record.data)
        if record.op == "TRUNCATE" or size > node.size:
            node.size = size
            self.touched[node.number] = index + 1

    def name(self, index, record):
        folder = self.node(record.folder, record.op)
        touched = [folder]
        if record.op in ("CREATE", "MKDIR"):
            node = self.new_node(record.inode, record.name, record.op == "MKDIR")
            changes = [(folder, (record.name, node))]
            touched.append(node)
            self.made[index] = node
        elif record.op == "LINK":
            changes = [(folder, (record.name, self.node(record.inode, "link")))]
        elif record.op in ("UNLINK", "RMDIR"):
            changes = [(folder, (record.name, None))]
        else:
            to, node = self.node(record.to_folder, "rename"), self.node(record.inode, "rename")
            touched += [to, node]
            changes = [(folder, (record.name, None)), (to, (record.to_name, node))]
        if len(changes) == 2 and changes[0][0] is changes[1][0]:
            folder.change(index, (changes[0][1], changes[1][1]))
        else:
            for place, change in changes:
                place.change(index, (change,))
        for _, (name, node) in changes:
            if node is not None:
                node.names.add(name)
        self.names_at.append(index)
        for node in touched:
            self.touched[node.number] = index + 1

    # --- states -----------------------------------------------------------------------------------

    def cuts(self):
        """Numbers of records that had happened; each leaves something else behind."""
        return range(1, len(self.records) + 1)

    def entries(self, folder, count):
        names = {}
        for change in folder.changes[:count]:
            for name, node in change:
                names.pop(name, None)
                if node is not None:
                    names[name] = node
        return names

    def content_uncached(self, number, durable, happened, how):
        node = self.nodes[number]
        data = bytearray()
        for change in node.changes[:happened if how == "all" else durable]:
            apply(data, change)
        if how == "sizes":
            for change in node.changes[durable:happened]:
                apply_size(data, change)
        return bytes(data)

    def random_content(self, node, durable, happened, rng):
        how = rng.choice(("all", "synced", "sizes", "torn", "torn", "pages"))
        if durable == happened or how in ("all", "synced", "sizes"):
            return self.content(node.number, durable, happened, how)
        data = bytearray(self.content(node.number, durable, happened, "synced"))
        changes = node.changes[durable:happened]
        if how == "pages":
            for change in changes:
                apply_pages(data, change, rng)
            return bytes(data)
        whole = rng.randrange(len(changes))
        for change in changes[:whole]:
            apply(data, change)
        apply_part(data, changes[whole], rng)
        return bytes(data)

    def durable_names(self, cut):
        """The journal's: up to which record all changes of names are on the disk."""
        syncs = bisect.bisect_left(self.barrier_ends, cut)
        return self.barriers[syncs - 1] if syncs else 0

    def state(self, cut, way, seed=0):
        """What is there: [(path, node, content or None for a folder)], parents first."""
        _, view, names, data = way
        rng = random.Random(f"{way[0]} {cut} {seed}")
        reached = 0
        if view == "journal":
            # Between two changes of names there is nothing to choose.
            low = bisect.bisect_left(self.names_at, self.durable_names(cut))
            high = bisect.bisect_left(self.names_at, cut)
            chosen = rng.randint(low, high) if names == "random" else low
            reached = self.names_at[chosen] if chosen < len(self.names_at) else cut
        found, contents = [], {}

        def count(folder):
            if view == "journal":
                return folder.happened(reached)
            if names == "all":
                return folder.happened(cut)
            low = folder.durable(cut)
            return low if names == "synced" else rng.randint(low, folder.happened(cut))

        def walk(folder, path):
            for name, node in sorted(self.entries(folder, count(folder)).items()):
                below = f"{path}/{name}" if path else name
                if node.is_folder:
                    found.append((below, node, None))
                    walk(node, below)
                    continue
                if node.number not in contents:
                    durable, happened = node.durable(cut), node.happened(cut)
                    contents[node.number] = (
                        self.random_content(node, durable, happened, rng) if data == "random"
                        else self.content(node.number, durable, happened, data))
                found.append((below, node, contents[node.number]))

        walk(self.root, "")
        return found


def digest(state):
    """The same for states that no program can tell apart."""
    total, links = hashlib.sha1(), {}
    for path, node, content in state:
        total.update(os.fsencode(path) + b"\0")
        if content is None:
            total.update(b"folder\0")
        elif node.number in links:
            total.update(b"link %d\0" % links[node.number])
        else:
            links[node.number] = len(links)
            total.update(hashlib.sha1(content).digest())
    return total.digest()


def write(state, folder):
    """Makes the state below `folder`, which is empty or not there."""
    os.makedirs(folder, 0o700, exist_ok=True)
    links = {}
    for path, node, content in state:
        path = os.path.join(folder, path)
        if content is None:
            os.mkdir(path, 0o700)
        elif node.number in links:
            os.link(links[node.number], path)
        else:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            links[node.number] = path


def differences(state, folder):
    """Between what the log says that everything came to, and a folder: whatever went past it."""
    there, links, found = {}, {}, []
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            there[os.path.relpath(os.path.join(path, name), folder)] = os.path.join(path, name)
    for path, node, content in state:
        real = there.pop(path, None)
        if real is None:
            found.append(f"{path} is not there")
        elif (content is None) != os.path.isdir(real):
            found.append(f"{path} is of another kind")
        elif content is not None:
            inode = os.stat(real).st_ino
            if links.setdefault(node.number, inode) != inode:
                found.append(f"{path} is no link")
            with open(real, "rb") as file:
                if file.read() != content:
                    found.append(f"{path} holds something else")
    return found + [f"{path} was never made" for path in there]
