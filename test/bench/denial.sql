SELECT denied_once();
