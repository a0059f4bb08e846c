-- dispatchers/settle: a dispatcher starts: notes where it sends from, unless that is known; answers whether this is a copy.
SELECT posthorn.settle() AS is_copy
