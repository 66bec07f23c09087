SELECT ok, checked, first_bad, reason, encode(root, 'hex') AS root FROM dataclass_audit.verify();
