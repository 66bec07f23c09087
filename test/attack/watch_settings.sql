-- title: slowing the watch down, lying to it about sysfs
-- role: dba
-- expect: refused
-- sqlstate: 55P02
-- denials: 2

SET dataclass.watch_interval = 86400;
SET dataclass.sysfs_root = '/tmp';
